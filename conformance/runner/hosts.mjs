// Where everything is. The names lead to this machine: see README.md.

export const OP = 'https://op.test:9443';
export const MTLS = 'https://op.test:9445';
export const RESOURCE = 'https://op.test:9446/accounts';
export const LOGIN = 'https://login.test:9444';
export const SUITE = process.env.CONFORMANCE_SERVER?.replace(/\/$/, '') ?? 'https://suite.test:8443';

/** Listeners behind those names, and those that only programs of this machine use. */
export const PORTS = { op: 9443, login: 9444, mtls: 9445, resource: 9446, private: 28081, loginInside: 28090, directory: 28094 };

/** The user that signs in everywhere; one of the users that the login app makes for development. */
export const USER = { name: 'alice', password: 'wonderland' };

/** Where the listeners are bound that a suite calls. */
export const ADDRESS = process.env.PLACET_CONFORMANCE_LISTEN ?? '127.0.0.1';
