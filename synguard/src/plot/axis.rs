//! Round numbers for axes.

/// Steps of which people count: 1, 2 or 5 times a power of ten.
const STEPS: [f64; 3] = [1.0, 2.0, 5.0];

/// The ticks from 0 to the first one at or above `highest`, about `count` of them.
pub(super) fn ticks(highest: f64, count: u32) -> Vec<f64> {
    let step = step(highest / f64::from(count.max(1)), &STEPS);
    let mut ticks = vec![0.0];
    while ticks.last().is_none_or(|last| *last < highest) {
        ticks.push(ticks.len() as f64 * step);
    }
    ticks
}

/// The smallest round step that is no less than `least`.
fn step(least: f64, steps: &[f64]) -> f64 {
    let least = if least.is_finite() {
        least.max(1e-9)
    } else {
        1.0
    };
    let power = 10_f64.powf(least.log10().floor());
    let mut rounds = steps.iter().map(|step| step * power);
    rounds
        .find(|round| *round >= least * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

/// Steps of time in seconds, as clocks divide it.
const TIMES: [f64; 21] = [
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0,
    1800.0, 3600.0, 7200.0, 21_600.0, 43_200.0,
];

/// Ticks of time from 0 to `seconds`, about `count` of them.
pub(super) fn times(seconds: f64, count: u32) -> Vec<f64> {
    let least = seconds / f64::from(count.max(1));
    let step = TIMES.into_iter().find(|step| *step >= least);
    let step = step.unwrap_or_else(|| 86_400.0 * self::step(least / 86_400.0, &STEPS));
    (0..=count * 2)
        .map(|n| f64::from(n) * step)
        .take_while(|at| *at <= seconds * (1.0 + 1e-9))
        .collect()
}

/// `1,200` or `0.5`.
pub(super) fn number(value: f64) -> String {
    if value.fract().abs() > 1e-9 {
        return format!("{}", (value * 1000.0).round() / 1000.0);
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_reach_the_top() {
        for (highest, expected) in [
            (0.0, vec![0.0]),
            (4300.0, vec![0.0, 1000.0, 2000.0, 3000.0, 4000.0, 5000.0]),
            (100.0, vec![0.0, 20.0, 40.0, 60.0, 80.0, 100.0]),
        ] {
            assert_eq!(ticks(highest, 5), expected, "{highest}");
        }
    }

    #[test]
    fn times_are_those_of_a_clock() {
        assert_eq!(times(23.7, 8), [0.0, 5.0, 10.0, 15.0, 20.0]);
        assert_eq!(
            times(818.0, 8),
            [0.0, 120.0, 240.0, 360.0, 480.0, 600.0, 720.0]
        );
        assert!(times(30.0 * 86_400.0, 8).len() < 12);
        assert_eq!(times(0.0, 8), [0.0]);
    }

    #[test]
    fn thousands_are_grouped() {
        for (value, expected) in [
            (0.0, "0"),
            (999.0, "999"),
            (1_234_567.0, "1,234,567"),
            (0.5, "0.5"),
        ] {
            assert_eq!(number(value), expected);
        }
    }
}
