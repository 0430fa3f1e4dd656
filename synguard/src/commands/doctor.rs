//! `synguard doctor`.

use super::detach::{configured_state_dir, state_dir};
use super::{print, print_json};
use crate::cli::Doctor;
use crate::dataplane::Pins;
use crate::doctor::{self, Diagnosis, Finding, Level, Managers};
use crate::interface::Network;
use crate::{Error, Result};

pub(super) async fn run(args: &Doctor) -> Result<()> {
    let diagnosis = Diagnosis::new(findings(args.interface.as_deref()).await?);
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

async fn findings(interface: Option<&str>) -> Result<Vec<Finding>> {
    let network = Network::open()?;
    let links = network.links().await?;
    let wanted = match interface {
        // Asked for by its name, as its absence has words of its own.
        Some(name) => Some(network.interface(name).await?.index),
        None => None,
    };
    let (mut findings, machine) = doctor::of_host();
    match wanted {
        Some(index) => {
            let here = links.iter().filter(|link| link.interface.index == index);
            findings.extend(here.flat_map(|link| doctor::of_interface(link, &links, &machine)));
        }
        None => findings.extend(doctor::of_uplinks(&network.uplinks().await?, &links)),
    }
    let state = interface.map_or_else(
        || configured_state_dir(None),
        |name| state_dir(&Pins::of(name)),
    );
    findings.push(doctor::of_state(&state));
    findings.extend(doctor::of_containers(&Managers::found(&links)));
    findings.extend(doctor::of_challenges());
    Ok(findings)
}
