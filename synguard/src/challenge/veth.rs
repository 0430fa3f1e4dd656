//! Answers must be certain to leave the interface.

use crate::interface::Interface;
use crate::settings::{Challenge, Mode, Settings};
use crate::{Error, Result};

/// The settings for this interface, where somebody asked for challenges.
///
/// The native mode of veth sends only if the other end runs a program too, or loses
/// every answer without a word.
///
/// # Errors
///
/// [`Error::Unsupported`] where native mode was asked for, or is in place.
pub fn settings_for(interface: &Interface, settings: &Settings) -> Result<Settings> {
    let asked = settings
        .challenge
        .is_some_and(|challenge| challenge != Challenge::Off);
    if !asked || !interface.veth {
        return Ok(*settings);
    }
    let name = &interface.name;
    if settings.mode == Mode::Native {
        return Err(Error::Unsupported(format!(
            "{name} is a veth, which cannot answer SYNs in native mode: --mode generic can"
        )));
    }
    if interface.xdp.is_some_and(|xdp| xdp.native) {
        return Err(Error::Unsupported(format!(
            "{name} is a veth, which cannot answer SYNs in native mode, and the running filter \
             stays in it: `synguard detach {name}` first"
        )));
    }
    Ok(Settings {
        mode: Mode::Generic,
        ..*settings
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interface::XdpProgram;
    use crate::settings::DEFAULT;

    #[test]
    fn a_veth_answers_in_generic_mode_alone() {
        let xdp = |native| Some(XdpProgram { id: 1, native });
        for (veth, xdp, wanted, mode) in [
            (false, None, Mode::Auto, Some(Mode::Auto)),
            (false, xdp(true), Mode::Native, Some(Mode::Native)),
            (true, None, Mode::Auto, Some(Mode::Generic)),
            (true, xdp(false), Mode::Auto, Some(Mode::Generic)),
            (true, None, Mode::Native, None),
            (true, xdp(true), Mode::Auto, None),
        ] {
            let interface = Interface {
                name: "eth0".to_owned(),
                index: 2,
                ethernet: true,
                link_layer: "ether".to_owned(),
                veth,
                up: true,
                xdp,
            };
            let settings = |challenge| Settings {
                mode: wanted,
                challenge,
                ..DEFAULT
            };
            for asked in [Challenge::Auto, Challenge::Always] {
                let on = settings_for(&interface, &settings(Some(asked)));
                assert_eq!(on.ok().map(|settings| settings.mode), mode, "{interface:?}");
            }
            for not in [None, Some(Challenge::Off)] {
                let off = settings_for(&interface, &settings(not));
                assert_eq!(off.unwrap().mode, wanted);
            }
        }
    }
}
