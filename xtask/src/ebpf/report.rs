//! A table of the programs: their size, and what the verifier says.

use super::instructions::Code;
use super::verifier_log::Statistics;

const COLUMNS: [&str; 8] = [
    "program",
    "section",
    "insns",
    "processed",
    "max_states",
    "total_states",
    "peak_states",
    "stack",
];

/// The table. Programs that the verifier was not asked about show dashes.
pub fn table(code: &Code, statistics: &[Statistics]) -> String {
    let mut rows = vec![COLUMNS.map(str::to_owned)];
    for program in &code.programs {
        let verified = statistics
            .iter()
            .find(|other| other.program == program.name);
        let number = |get: fn(&Statistics) -> u64| {
            verified.map_or_else(|| "-".to_owned(), |statistics| get(statistics).to_string())
        };
        rows.push([
            program.name.clone(),
            program.section.clone(),
            program.instructions.to_string(),
            number(|statistics| statistics.processed),
            number(|statistics| statistics.max_states_per_insn),
            number(|statistics| statistics.total_states),
            number(|statistics| statistics.peak_states),
            verified
                .and_then(|statistics| statistics.stack.clone())
                .unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    let lines: Vec<_> = rows.iter().map(|row| line(row, &widths(&rows))).collect();
    format!(
        "{}\n\ninsns: of the shipped object; the functions that its programs call have {} more.\n\
         processed and what follows: of the build without the debug log.\n",
        lines.join("\n"),
        code.functions
    )
}

fn widths(rows: &[[String; 8]]) -> [usize; 8] {
    std::array::from_fn(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0))
}

fn line(row: &[String; 8], widths: &[usize; 8]) -> String {
    let cells = row
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{cell:<width$}"));
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::instructions::Program;
    use super::*;

    #[test]
    fn programs_with_and_without_statistics() {
        let program = |name: &str, instructions| Program {
            name: name.into(),
            section: "xdp".into(),
            instructions,
        };
        let code = Code {
            programs: vec![program("asked", 120), program("other", 3)],
            functions: 7,
        };
        let statistics = Statistics {
            program: "asked".into(),
            processed: 4200,
            max_states_per_insn: 2,
            total_states: 30,
            peak_states: 20,
            stack: Some("64+8".into()),
        };
        let expected = "\
program  section  insns  processed  max_states  total_states  peak_states  stack
asked    xdp      120    4200       2           30            20           64+8
other    xdp      3      -          -           -             -            -

insns: of the shipped object; the functions that its programs call have 7 more.
processed and what follows: of the build without the debug log.
";
        assert_eq!(table(&code, &[statistics]), expected);
    }
}
