//! What the process may take of the machine.

use std::io;

use rlimit::Resource;

const MIB: u64 = 1 << 20;

/// Limits, each with its name for messages.
const LIMITS: [(Resource, &str, u64); 4] = [
    (Resource::AS, "address space", 1024 * MIB),
    (Resource::DATA, "data", 256 * MIB),
    (Resource::NOFILE, "open files", 2048),
    (Resource::CORE, "core dumps", 0),
];

/// Limits the process, for good. A limit that is stricter already stays.
pub(crate) fn confine() -> io::Result<()> {
    for (resource, name, wanted) in LIMITS {
        let limited = resource.get().and_then(|(_, hard)| {
            let limit = wanted.min(hard);
            resource.set(limit, limit)
        });
        limited.map_err(|e| io::Error::new(e.kind(), format!("the limit of {name} cannot be set: {e}")))?;
    }
    Ok(())
}
