// Written by `npm run generate` from sdk/schemas/1. Do not edit.

/** A link of the actor chain (RFC 8693 section 4.1). */
export interface Actor {
  /** The actor before this one. */
  act?: Actor;
  /** The client that acts. */
  client_id?: string;
  /** Issuer of that subject, where it is not this server. */
  iss?: string;
  /** Subject of the actor. */
  sub: string;
}

/** An event, a `CloudEvent` 1.0. */
export interface Event {
  /** Ids and reasons. */
  data: EventData;
  /** `application/json`. */
  datacontenttype: string;
  /** Where the schema of events is. */
  dataschema: string;
  /** Its id, `evt_…`, the same at every attempt to deliver it. */
  id: string;
  /** The issuer. */
  source: string;
  /** `1.0`. */
  specversion: string;
  /** What it is about: the id of a session, an authorization, a client, a key …, or the subject of a user. */
  subject: string;
  /** When. */
  time: Instant;
  /** What happened. */
  type: EventTypeName;
}

/** What an event says, as far as it applies: ids and reasons, no secrets. */
export interface EventData {
  /** The chain of actors. */
  act?: Actor;
  /** What came back: `code`, `refresh_token`, `device_code`, … */
  artefact?: string;
  /** How often that was attempted. */
  attempts?: number;
  /** The user who really authenticated. */
  authenticated_sub?: string;
  /** Who did it: `admin:` and the name of an admin, `operator:` and how, or `client`. */
  by?: string;
  /** The client. */
  client_id?: string;
  /** The code of its failure. */
  code?: string;
  /** How often, since the last event of this sort. */
  count?: number;
  /** Data of the grant, by a policy or a login app. */
  data?: {
    [k: string]: unknown;
  };
  /** To whom it was to be delivered. */
  destination?: string;
  /** The login app that granted without a browser. */
  direct?: string;
  /** How far a logout reached: `session` (one browser), `subject` (all of a user). */
  extent?: string;
  /** The grant type. */
  grant_type?: string;
  /**
   * What began the end of a session: `rp` (a logout that a client asked for), `op` (one that began here), `ui` (the login
   * app), `account` (it was disabled, or its credential changed), `limit` (a newer session of the user).
   */
  initiator?: string;
  /** The key. */
  kid?: string;
  /** The keys. */
  kids?: string[];
  /** The kind of an interaction, or of a delivery. */
  kind?: string;
  /** The mode that a policy was given. */
  mode?: string;
  /** The place that a policy was given. */
  order?: number;
  /** The policy. */
  policy?: string;
  /** The chain of actors before a policy changed it. */
  proposed_act?: Actor;
  /** Why. */
  reason?: string;
  /** The receiver of events. */
  receiver?: string;
  /** The granted scope. */
  scope?: string[];
  /** Of two events about the same thing the later one has the higher number. */
  sequence: number;
  /** The user. */
  sub?: string;
  /** The authorization of the token that was exchanged. */
  subject_authorization_id?: string;
  /** The subject of the token that was exchanged. */
  subject_token_sub?: string;
  /** What part of it: `secret`, `access_token`. */
  what?: string;
}

/** What happened. Later versions have more; ignore those that you do not know */
export type EventTypeName = string;

/** An RFC 3339 instant in UTC, ending in `Z` */
export type Instant = string;
