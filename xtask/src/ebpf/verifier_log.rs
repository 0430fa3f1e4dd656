//! Reads the numbers out of libbpf's debug output.

/// What the verifier says of one program.
#[derive(Debug, PartialEq, Eq)]
pub struct Statistics {
    /// The program's name.
    pub program: String,
    /// Instructions looked at, over all paths. The kernel's limit is a
    /// million.
    pub processed: u64,
    /// The most states kept for one instruction.
    pub max_states_per_insn: u64,
    /// States kept in all.
    pub total_states: u64,
    /// The most states kept at one time.
    pub peak_states: u64,
    /// Bytes of stack, one number for each function, where the kernel says it.
    pub stack: Option<String>,
}

/// One entry for each program that was loaded, in the order of loading.
pub fn parse(log: &str) -> Vec<Statistics> {
    let mut statistics = Vec::new();
    let mut program = None;
    let mut stack = None;
    for line in log.lines() {
        if let Some(name) = begun(line) {
            (program, stack) = (Some(name), None);
        } else if let Some(depth) = line.strip_prefix("stack depth ") {
            stack = Some(depth.to_owned());
        } else if let Some(words) = line.strip_prefix("processed ")
            && let Some(name) = program.take()
        {
            statistics.extend(summary(name, words, stack.take()));
        }
    }
    statistics
}

/// `libbpf: prog 'NAME': -- BEGIN PROG LOAD LOG --`.
fn begun(line: &str) -> Option<&str> {
    let (name, rest) = line.strip_prefix("libbpf: prog '")?.split_once("': ")?;
    rest.starts_with("-- BEGIN PROG LOAD LOG").then_some(name)
}

/// `42 insns (limit 1000000) max_states_per_insn 1 total_states 3 …`.
fn summary(program: &str, words: &str, stack: Option<String>) -> Option<Statistics> {
    Some(Statistics {
        program: program.to_owned(),
        processed: words.split(' ').next()?.parse().ok()?,
        max_states_per_insn: number_after(words, "max_states_per_insn")?,
        total_states: number_after(words, "total_states")?,
        peak_states: number_after(words, "peak_states")?,
        stack,
    })
}

fn number_after(words: &str, name: &str) -> Option<u64> {
    let mut words = words.split(' ').skip_while(|word| *word != name);
    words.nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
libbpf: prog 'first': insn #5 relocated, imm 8 points to subprog 'bump' (now at 14 offset)
libbpf: prog 'first': -- BEGIN PROG LOAD LOG --
func#0 @0
0: R1=ctx() R10=fp0
; processed by a line of source @ main.rs:1
verification time 812 usec
stack depth 0+8
processed 42 insns (limit 1000000) max_states_per_insn 1 total_states 3 peak_states 2 mark_read 0
-- END PROG LOAD LOG --
libbpf: prog 'second': -- BEGIN PROG LOAD LOG --
processed 17 insns (limit 1000000) max_states_per_insn 0 total_states 5 peak_states 4 mark_read 0
-- END PROG LOAD LOG --
libbpf: prog 'second': pinned at '/sys/fs/bpf/programs/second'
";

    fn statistics(program: &str, numbers: [u64; 4], stack: Option<&str>) -> Statistics {
        let [processed, max_states_per_insn, total_states, peak_states] = numbers;
        Statistics {
            program: program.into(),
            processed,
            max_states_per_insn,
            total_states,
            peak_states,
            stack: stack.map(str::to_owned),
        }
    }

    #[test]
    fn each_program_has_its_numbers() {
        let expected = [
            statistics("first", [42, 1, 3, 2], Some("0+8")),
            statistics("second", [17, 0, 5, 4], None),
        ];
        assert_eq!(parse(LOG), expected);
    }

    #[test]
    fn other_output_has_none() {
        assert_eq!(parse("libbpf: loading object\nprocessed 3 insns\n"), []);
    }
}
