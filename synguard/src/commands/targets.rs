//! Which interfaces a command is about.

use crate::dataplane::{Pins, attached_interfaces};
use crate::{Error, Result, privileges};

/// The pins of the named interface, or of all that are attached.
///
/// # Errors
///
/// [`Error::Privilege`] where pins cannot be used, [`Error::Absent`] where
/// nothing is attached.
pub(super) fn attached(interface: Option<&str>) -> Result<Vec<Pins>> {
    privileges::to_use_maps()?;
    let all = attached_interfaces()?;
    let Some(wanted) = interface else {
        if all.is_empty() {
            return Err(Error::Absent(
                "no interface is attached: `synguard attach INTERFACE` does it".to_owned(),
            ));
        }
        return Ok(all.iter().map(|name| Pins::of(name)).collect());
    };
    if all.iter().any(|name| name == wanted) {
        return Ok(vec![Pins::of(wanted)]);
    }
    let others = if all.is_empty() {
        "nothing is".to_owned()
    } else {
        format!("{} is", all.join(", "))
    };
    Err(Error::Absent(format!(
        "{wanted} is not attached ({others}): `synguard attach {wanted}` does it"
    )))
}
