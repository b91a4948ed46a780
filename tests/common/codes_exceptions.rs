//! Codes of exceptions.

use super::{Rig, accepted, refused, verify};

#[test]
fn exceptions_for_all_that_is_required() {
    let rig = Rig::new();
    rig.key("boss");
    rig.grant("boss", "boss", "admin", &[]);
    rig.plan("low");
    rig.ok("boss", &["allow", "waive", "build", "--reason", "hurry", "--until", "1h"]);
    refused(&verify(&rig), "E230");
    rig.pass("build");
    accepted(&verify(&rig));
}
