//! What a configuration may say and may not mean: nothing that stops a start, each told once.

use xd_config::{CapsuleLevel, Config};
use xd_store::PAYLOAD_MAX;

/// What is allowed and may not be meant, a sentence each.
pub(super) fn doubts(config: &Config) -> Vec<String> {
    let mut doubts = Vec::new();
    let largest = config.limits().message_bytes.saturating_add(CAPSULE_BESIDES);
    if config.capsule_level() == CapsuleLevel::Content && largest > PAYLOAD_MAX as u64 {
        let most = PAYLOAD_MAX as u64 - CAPSULE_BESIDES;
        doubts.push(format!("capsules.level is \"content\": of messages above {most} bytes no capsule can be kept"));
    }
    if let Some(admin) = config.admin().filter(|admin| !admin.ip().is_loopback()) {
        doubts.push(format!("admin is {admin}: whoever reaches it reads metrics and status"));
    }
    doubts
}

/// What a capsule has besides the message, with room.
const CAPSULE_BESIDES: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use xd_core::RuleSource;

    use super::*;

    #[test]
    fn what_may_not_be_meant_is_told() {
        let doubts = |text: &str| doubts(&Config::parse(RuleSource::new("xd.toml", text)).unwrap()).len();
        assert_eq!(doubts("admin = \"127.0.0.1:8025\"\n[capsules]\nlevel = \"causes\""), 0);
        assert_eq!(doubts("admin = \"0.0.0.0:8025\"\n[capsules]\nlevel = \"content\""), 2);
        assert_eq!(doubts("[limits]\nmessage_bytes = 50000000\n[capsules]\nlevel = \"content\""), 0);
    }
}
