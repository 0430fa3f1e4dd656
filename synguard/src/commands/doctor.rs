//! `synguard doctor`.

use super::{print, print_json};
use crate::cli::Doctor;
use crate::doctor::{self, Diagnosis, Level};
use crate::interface::Network;
use crate::{Error, Result};

pub(super) async fn run(args: &Doctor) -> Result<()> {
    let mut findings = doctor::of_host();
    if let Some(name) = &args.interface {
        let interface = Network::open()?.interface(name).await?;
        findings.extend(doctor::of_interface(&interface));
    }
    findings.extend(doctor::of_challenges());
    let diagnosis = Diagnosis::new(findings);
    if args.json {
        print_json(&diagnosis)?;
    } else {
        print(&doctor::show(&diagnosis))?;
    }
    if diagnosis.level == Level::Fail {
        return Err(Error::Unsupported(
            "what failed above keeps SynGuard from filtering".to_owned(),
        ));
    }
    Ok(())
}
