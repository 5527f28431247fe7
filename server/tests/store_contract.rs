//! What every store promises, kept by the embedded one and by PostgreSQL.
//!
//! The tests of PostgreSQL need the URL of a database in `PLACET_TEST_POSTGRES`, and say so when they have none.

#[path = "store_contract/backend.rs"]
mod backend;
#[path = "store_contract/begun.rs"]
mod begun;
#[path = "store_contract/clients.rs"]
mod clients;
#[path = "store_contract/codes.rs"]
mod codes;
#[path = "store_contract/consents.rs"]
mod consents;
#[path = "store_contract/deliveries.rs"]
mod deliveries;
#[path = "store_contract/derivation.rs"]
mod derivation;
#[path = "store_contract/durability.rs"]
mod durability;
#[path = "store_contract/families.rs"]
mod families;
#[path = "store_contract/generations.rs"]
mod generations;
#[path = "store_contract/grants.rs"]
mod grants;
#[path = "store_contract/housekeeping.rs"]
mod housekeeping;
#[path = "store_contract/interactions.rs"]
mod interactions;
#[path = "store_contract/keys.rs"]
mod keys;
#[path = "store_contract/misc.rs"]
mod misc;
#[path = "store_contract/polled.rs"]
mod polled;
#[path = "store_contract/processes.rs"]
mod processes;
#[path = "store_contract/purge.rs"]
mod purge;
#[path = "store_contract/pushed.rs"]
mod pushed;
#[path = "store_contract/revocations.rs"]
mod revocations;
#[path = "store_contract/samples.rs"]
mod samples;
#[path = "store_contract/schema.rs"]
mod schema;
#[path = "store_contract/secure.rs"]
mod secure;
#[path = "store_contract/sessions.rs"]
mod sessions;
#[path = "store_contract/subjects.rs"]
mod subjects;
#[path = "store_contract/tokens.rs"]
mod tokens;
#[path = "store_contract/waits.rs"]
mod waits;

/// Makes of every promise a test of each engine.
macro_rules! promises {
    ($($area:ident: $($promise:ident),+;)+) => {
        mod embedded {
            $(mod $area {
                $(#[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    crate::$area::$promise(&crate::backend::Backend::embedded()).await;
                })+
            })+
        }
        mod postgres {
            $(mod $area {
                $(#[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    if let Some(backend) = crate::backend::Backend::postgres().await {
                        crate::$area::$promise(&backend).await;
                    }
                })+
            })+
        }
    };
}

promises! {
    begun:
        what_waits_for_a_user_is_found_by_that_user_and_its_app,
        what_was_used_begins_nothing;
    clients:
        a_client_id_is_taken_once,
        of_many_changes_of_one_generation_one_is_kept,
        deleting_a_client_ends_everything_it_was_granted,
        clients_come_in_pages_by_id;
    codes:
        a_code_is_redeemed_by_exactly_one_of_300_racing_clients,
        what_is_issued_is_stored_with_the_redemption,
        an_authorization_is_narrowed_with_the_redemption_and_not_by_a_replay,
        a_replayed_code_revokes_its_authorization_and_is_reported_once,
        a_replay_is_recognised_after_the_code_has_expired,
        an_expired_or_unknown_code_is_dead,
        a_code_of_a_revoked_authorization_is_dead,
        a_redemption_that_cannot_be_stored_consumes_nothing;
    consents:
        consents_merge,
        the_later_end_of_a_consent_counts_and_none_is_the_latest,
        of_very_many_details_the_newest_are_remembered,
        racing_answers_lose_nothing_of_what_is_remembered,
        an_expired_consent_is_not_widened,
        consents_are_told_apart_by_resource,
        deleting_a_consent_revokes_what_was_granted_under_it,
        consents_come_in_pages_by_id;
    deliveries:
        what_is_due_is_claimed_once_and_again_when_the_lease_is_over,
        of_50_racing_claims_each_delivery_goes_to_one,
        destinations_take_turns_and_a_slow_one_keeps_nobody_waiting,
        what_is_given_up_is_kept_listed_and_can_be_delivered_again,
        what_is_delivered_to_one_destination_again_leaves_the_others_alone,
        nothing_of_a_held_destination_is_claimed_until_it_is_released,
        what_is_being_sent_to_a_held_destination_is_not_given_up_beneath_it,
        what_a_worker_left_for_a_held_destination_is_given_up_with_its_lease,
        an_event_that_is_written_again_is_told_once_and_as_it_was,
        lists_are_filtered_and_destinations_counted,
        whoever_wants_an_event_is_told_in_the_step_that_writes_it,
        only_what_is_given_up_is_purged_and_late,
        tenants_deliver_their_own;
    derivation:
        a_replayed_code_ends_what_was_derived_from_its_authorization,
        a_replayed_refresh_token_ends_what_was_derived_from_its_authorization,
        a_revoked_authorization_ends_what_was_derived_from_it_however_far,
        a_revoked_access_token_ends_what_was_derived_from_it_and_nothing_else,
        a_revoked_actor_token_ends_what_was_derived_with_it,
        the_end_of_a_session_ends_what_was_derived_from_its_authorizations,
        a_withdrawn_consent_ends_what_was_derived_under_it,
        a_deleted_client_ends_what_was_derived_from_its_tokens_and_where_it_acts,
        a_disabled_subject_ends_what_was_derived_from_its_tokens_and_where_it_acts,
        a_disabled_actor_ends_what_a_person_granted_it,
        nothing_derived_survives_a_race_with_the_end_of_its_parent,
        a_chain_that_grows_while_its_root_ends_is_ended_whole;
    durability:
        a_write_whose_caller_goes_away_is_whole_or_absent;
    families:
        of_200_racing_refreshes_with_one_token_all_get_the_same_child,
        a_rotated_family_is_stored_with_what_was_issued,
        a_parent_in_its_grace_is_answered_with_the_same_child,
        a_parent_outside_its_grace_is_a_replay,
        no_grace_makes_every_parent_a_replay,
        a_parent_whose_child_was_rotated_is_a_replay,
        a_parent_whose_child_was_used_is_a_replay,
        a_foreign_token_of_a_known_family_is_a_replay,
        a_family_that_does_not_rotate_keeps_its_token,
        a_family_that_is_over_is_dead_and_not_replayed,
        use_puts_off_the_idle_limit,
        a_use_can_let_a_family_end_sooner_and_never_later,
        a_use_can_end_a_family_and_is_then_no_replay;
    generations:
        a_mark_counts_at_once_and_gets_its_number_later,
        everything_of_a_subject_or_a_client_is_one_mark,
        the_end_of_everything_begins_an_era,
        of_40_racing_revocations_readers_overlook_none,
        a_family_begins_once_though_its_row_is_gone_before_its_first_token_is_over,
        a_family_is_stored_with_its_first_use_and_a_later_token_begins_none,
        what_a_redemption_chooses_decides_whether_a_revocation_leaves_a_mark,
        a_choice_that_races_with_a_revocation_is_marked_or_not_made;
    grants:
        what_is_over_gives_nothing,
        a_session_that_is_over_gives_nothing,
        a_disabled_actor_or_a_deleted_client_takes_part_in_nothing,
        of_50_racing_uses_of_one_assertion_one_is_stored,
        a_refused_grant_uses_nothing_up,
        a_single_use_token_is_used_up_by_what_is_derived_from_it,
        only_the_current_refresh_token_derives_and_it_stays_current;
    housekeeping:
        one_worker_leads_and_another_takes_over_from_a_silent_one,
        of_50_racing_workers_one_leads,
        a_worker_whose_clock_was_ahead_keeps_nobody_out,
        the_latest_time_is_kept_and_can_be_forgotten;
    interactions:
        an_interaction_is_found_until_it_expires,
        an_advanced_interaction_refuses_the_old_revision,
        of_50_racing_answers_one_advances,
        of_50_racing_completions_one_is_done,
        a_completion_stores_everything,
        a_completion_that_lost_stores_nothing,
        a_completion_for_a_session_that_is_over_stores_nothing,
        a_renewed_session_has_a_new_handle_only,
        completions_of_one_person_do_not_lock_each_other_out,
        no_authorization_survives_a_race_with_the_end_of_its_session;
    keys:
        of_many_changes_of_one_generation_of_keys_one_is_made,
        a_key_changes_its_state_and_is_gone_when_removed,
        keys_that_are_in_use_are_never_purged_and_removed_ones_late;
    misc:
        what_can_be_used_once_is_used_by_exactly_one_of_100,
        things_used_once_are_told_apart_by_kind,
        a_reply_is_remembered_once_until_it_expires,
        an_event_is_written_once,
        a_name_with_a_nul_character_is_not_found,
        long_names_from_strangers_are_remembered,
        tenants_do_not_see_each_other,
        the_store_answers;
    polled:
        a_polled_request_is_found_by_its_code_and_by_its_user_code,
        a_user_code_is_taken_once,
        of_50_browsers_one_claims_a_request_and_may_claim_it_again,
        whoever_asks_too_soon_has_to_wait_longer_each_time,
        of_20_questions_at_once_one_is_not_too_soon,
        only_the_browser_that_claimed_it_decides_and_only_once,
        a_refusal_is_kept_and_gives_nothing,
        what_has_expired_cannot_be_decided,
        a_polled_request_is_redeemed_by_exactly_one_of_100_racing_clients,
        what_is_over_cannot_be_redeemed,
        what_is_issued_anew_takes_the_place_of_what_was_issued_before,
        nothing_takes_the_place_of_what_is_over,
        whoever_takes_part_in_what_is_replaced_takes_part_in_what_replaces_it,
        who_ends_everything_of_somebody_ends_what_takes_a_place_meanwhile,
        who_ends_what_was_replaced_ends_what_took_its_place,
        who_ends_one_authorization_ends_what_takes_its_place_meanwhile,
        an_expired_request_is_remembered_for_a_while;
    pushed:
        a_pushed_request_is_found_until_it_expires,
        a_response_spends_a_pushed_request_and_the_next_stores_nothing,
        a_completion_that_stores_nothing_spends_nothing,
        of_50_racing_responses_to_one_pushed_request_one_is_stored,
        what_is_spent_is_remembered_beyond_its_expiry,
        what_a_pushed_request_came_in_is_used_up_with_it;
    purge:
        purging_leaves_what_is_live,
        purging_removes_what_is_dead,
        what_is_remembered_of_a_client_is_purged_when_it_is_over,
        derivation_is_remembered_as_long_as_what_was_derived,
        purging_is_bounded,
        what_is_used_once_is_purged_by_its_whole_key,
        a_redeemed_code_is_remembered_beyond_its_end;
    revocations:
        what_a_client_got_before_its_revocation_is_over_and_later_things_are_not,
        a_deleted_client_leaves_nothing_to_another_one_of_its_id,
        what_everybody_has_is_over_however_much_it_is,
        nothing_derived_from_a_token_of_a_client_survives_a_race_with_its_revocation;
    sessions:
        a_session_ends_by_its_limits_and_by_command,
        use_puts_off_the_end_of_an_idle_session,
        ending_a_session_spares_offline_authorizations,
        logging_out_of_one_client_spares_the_others,
        ending_all_sessions_of_a_subject_spares_others,
        sessions_that_end_in_a_completion_take_their_authorizations_along,
        the_clients_of_a_session_are_those_that_were_signed_in_to,
        the_clients_of_a_session_are_told_of_its_end_once,
        a_client_that_leaves_is_told_and_takes_no_part_any_more,
        what_is_not_stored_tells_nobody,
        one_session_too_many_ends_the_one_that_was_used_least_recently,
        sessions_come_in_pages_by_id;
    subjects:
        a_disabled_subject_gets_nothing,
        disabling_revokes_offline_authorizations_too_and_enabling_revives_nothing,
        a_disabled_subject_can_be_logged_out,
        no_authorization_survives_a_race_with_disabling;
    tokens:
        a_single_use_token_is_used_once_under_race,
        only_an_active_single_use_token_can_be_used_up,
        revoking_an_access_token_spares_its_refresh_token,
        an_opaque_token_is_read_with_its_authorization,
        a_revoked_jti_is_known,
        authorizations_come_in_pages_by_id;
}
