package placet.grant.client_credentials_test

import data.placet.grant.client_credentials

asked(tier, scope) := {"client": {"data": {"tier": tier}}, "limits": {"grant": {"scope": scope}}}

denied := {"decision": "deny", "error": {"code": "invalid_scope"}, "reason": {"code": "tier"}}

test_gold_may_read_and_write_reports_and_nothing_else if {
	decision := client_credentials.decision with input as asked("gold", ["openid", "reports.read", "reports.write"])
	decision.set.grant.scope == ["reports.read", "reports.write"]
}

test_silver_may_read if {
	decision := client_credentials.decision with input as asked("silver", ["reports.read", "reports.write"])
	decision.set.grant.scope == ["reports.read"]
}

test_silver_may_not_write if {
	client_credentials.decision == denied with input as asked("silver", ["reports.write"])
}

test_a_tier_that_nobody_knows_is_none if {
	client_credentials.decision == denied with input as asked("platinum", ["reports.read"])
}

test_a_client_without_a_tier_gets_nothing if {
	client_credentials.decision == denied with input as {"client": {}, "limits": {"grant": {"scope": ["reports.read"]}}}
}
