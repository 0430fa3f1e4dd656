//! A veth loses what native mode sends.

use anyhow::{Result, ensure};
use synguard_tests::lab::Lab;

#[test]
fn a_veth_is_not_challenged_in_native_mode() -> Result<()> {
    let lab = Lab::without_services()?;
    let uplink = lab.synguard.uplink.clone();
    let challenge = ["attach", &uplink, "--challenge", "always"];
    let native = [&challenge[..], &["--mode", "native"]].concat();
    let outcome = lab.synguard.run(&native)?;
    ensure!(outcome.code == Some(5), "{outcome:?}");
    let running = lab.synguard.attach(&["--keep"])?;
    running.terminate()?;
    let outcome = lab.synguard.run(&challenge)?;
    ensure!(outcome.code == Some(5), "{outcome:?}");
    ensure!(outcome.stderr.contains("detach"), "{outcome:?}");
    Ok(())
}
