//! What breaks in operation, done to the real program: processes that are killed, stopped and continued, a PostgreSQL that
//! restarts and is promoted, a full disk, clients that hang up. What was acknowledged is kept in a ledger, and held against
//! what the survivors say.
//!
//! Each row starts what it needs, and says why it is skipped where a right or a program is missing. The quick rows always
//! run; `PLACET_FAULTS=all` (`./test faults`) runs the long ones too.
#![allow(unreachable_pub, reason = "the stage is read by every file of this binary and by nobody else")]

mod faults {
    pub(crate) mod caller;
    pub(crate) mod cluster;
    pub(crate) mod ledger;
    pub(crate) mod rights;
    pub(crate) mod server;

    mod away;
    mod drained;
    mod exhausted;
    mod full;
    mod hanging_up;
    mod killed;
    mod promoted;
    mod purged;
    mod restarted;
    mod upgraded;
}
