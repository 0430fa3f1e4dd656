//! How large the programs are, read from the object.

use anyhow::{Context as _, Result};
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SectionKind, SymbolKind};

/// The size of one instruction (RFC 9669 section 3).
const INSTRUCTION: u64 = 8;
/// Functions that programs call lie here; each program has its own section.
const FUNCTIONS: &str = ".text";

/// One entry point of the object.
#[derive(Debug, PartialEq, Eq)]
pub struct Program {
    /// The name under which it is loaded.
    pub name: String,
    /// The section, which says what kind of program it is.
    pub section: String,
    /// Its instructions, without those of the functions that it calls.
    pub instructions: u64,
}

/// What an object holds.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// The programs, by name.
    pub programs: Vec<Program>,
    /// The instructions of all functions that programs can call.
    pub functions: u64,
}

/// Reads an ELF object.
pub fn read(bytes: &[u8]) -> Result<Code> {
    let file = object::File::parse(bytes).context("the eBPF object is no ELF file")?;
    let mut code = Code {
        programs: Vec::new(),
        functions: 0,
    };
    for section in file
        .sections()
        .filter(|section| section.kind() == SectionKind::Text)
    {
        let name = section
            .name()
            .context("a section of the eBPF object has no name")?;
        if name == FUNCTIONS {
            code.functions = section.size() / INSTRUCTION;
            continue;
        }
        let symbols = file.symbols().filter(|symbol| {
            symbol.kind() == SymbolKind::Text && symbol.section_index() == Some(section.index())
        });
        for symbol in symbols {
            code.programs.push(Program {
                name: symbol.name().context("a program has no name")?.to_owned(),
                section: name.to_owned(),
                instructions: symbol.size() / INSTRUCTION,
            });
        }
    }
    code.programs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(code)
}
