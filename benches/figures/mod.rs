//! How the benches measure and print: ratios of what is paired in one run, never a lone time.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Whether everything is only tried, on little data: `--test`, or `PGSTRATA_BENCH_SMOKE=1`.
pub fn is_smoke() -> bool {
    std::env::args().any(|arg| arg == "--test") || std::env::var_os("PGSTRATA_BENCH_SMOKE").is_some_and(|on| on == "1")
}

/// What the ratios of one pair came to.
pub struct Figures {
    pub rounds: usize,
    /// Median, least and greatest of ours by the baseline's.
    pub ratio: f64,
    pub from: f64,
    pub to: f64,
    /// Medians, in seconds.
    pub ours: f64,
    pub baseline: f64,
}

impl Figures {
    /// Of pairs in seconds.
    pub fn of(pairs: &[(f64, f64)]) -> Self {
        let mut ratios: Vec<f64> = pairs.iter().map(|(ours, baseline)| ours / baseline).collect();
        ratios.sort_by(f64::total_cmp);
        let median = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        Self {
            rounds: pairs.len(),
            ratio: ratios[ratios.len() / 2],
            from: ratios[0],
            to: ratios[ratios.len() - 1],
            ours: median(pairs.iter().map(|pair| pair.0).collect()),
            baseline: median(pairs.iter().map(|pair| pair.1).collect()),
        }
    }

    /// One line; a goal is an upper bound of the ratio.
    pub fn print(&self, what: &str, goal: Option<f64>) {
        let Self { rounds, ratio, from, to, ours: _, baseline } = self;
        let verdict = goal.map_or(String::new(), |goal| {
            format!("; goal {goal:.2}: {}", if *ratio <= goal { "met" } else { "MISSED" })
        });
        println!(
            "{rounds:>4} × {:>9} ({:>8} to {:>8})  of {:>10}  {what}{verdict}",
            number(*ratio),
            number(*from),
            number(*to),
            time(*baseline)
        );
    }
}

pub fn heading(text: &str) {
    println!("\n{text}\nrounds   ours ÷ baseline, its median (least to greatest)   baseline");
}

/// Alternates the two after a first time each that does not count.
pub fn compare(rounds: usize, mut ours: impl FnMut() -> f64, mut baseline: impl FnMut() -> f64) -> Figures {
    ours();
    baseline();
    let pairs: Vec<(f64, f64)> = (0..rounds).map(|_| (ours(), baseline())).collect();
    Figures::of(&pairs)
}

/// Seconds that a call takes, on average over so many.
pub fn each<T>(times: usize, mut call: impl FnMut() -> T) -> f64 {
    let begun = Instant::now();
    for _ in 0..times {
        black_box(call());
    }
    seconds(begun.elapsed()) / times.max(1) as f64
}

pub fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

pub fn number(value: f64) -> String {
    match value {
        value if value == 0.0 || value >= 100.0 => format!("{value:.0}"),
        value if value >= 0.095 => format!("{value:.2}"),
        value if value >= 0.000_95 => format!("{value:.4}"),
        value => format!("{value:.1e}"),
    }
}

pub fn time(seconds: f64) -> String {
    match seconds {
        value if value >= 1.0 => format!("{value:.2} s"),
        value if value >= 1e-3 => format!("{:.2} ms", value * 1e3),
        value if value >= 1e-6 => format!("{:.2} µs", value * 1e6),
        value => format!("{:.0} ns", value * 1e9),
    }
}
