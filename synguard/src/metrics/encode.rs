//! Metrics in the formats that Prometheus reads.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::{Family, Kind};

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0.0.
    OpenMetrics,
    /// Prometheus' own text format, 0.0.4.
    Text,
}

impl Format {
    /// The one that whoever asks takes, by the request's `Accept`.
    pub fn accepted(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }

    /// As the answer's `Content-Type` names it.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// Metrics as text.
///
/// # Errors
///
/// None that is known: text is written to memory.
pub fn encode(families: Vec<Family>, format: Format) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Collected(families)));
    let mut written = String::new();
    text::encode(&mut written, &registry)?;
    Ok(match format {
        Format::OpenMetrics => written,
        Format::Text => plain(&written),
    })
}

#[derive(Debug)]
struct Collected(Vec<Family>);

impl Collector for Collected {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for family in &self.0 {
            let kind = match family.kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
                Kind::Info => MetricType::Info,
            };
            // The library ends a text by itself.
            let help = family.help;
            let mut metric = encoder.encode_descriptor(family.stem, help, None, kind)?;
            for series in &family.series {
                match family.kind {
                    Kind::Info => metric.encode_info(&series.labels)?,
                    Kind::Gauge => metric
                        .encode_family(&series.labels)?
                        .encode_gauge(&series.value)?,
                    Kind::Counter => metric
                        .encode_family(&series.labels)?
                        .encode_counter::<NoLabelSet, f64, f64>(&series.value, None)?,
                }
            }
        }
        Ok(())
    }
}

/// From OpenMetrics: there a metric is called without the suffix of its kind, and the text
/// ends with a mark.
fn plain(open_metrics: &str) -> String {
    let mut plain = String::with_capacity(open_metrics.len());
    let mut suffixes = std::collections::HashMap::new();
    for line in open_metrics.lines() {
        if let Some((name, kind)) = described(line, "# TYPE ") {
            suffixes.insert(name, kind);
        }
    }
    for line in open_metrics.lines() {
        if line == "# EOF" {
            break;
        }
        for word in ["# HELP ", "# TYPE "] {
            let Some((name, rest)) = described(line, word) else {
                continue;
            };
            let (suffix, kind) = match suffixes.get(name) {
                Some(&"counter") => ("_total", "counter"),
                Some(&"info") => ("_info", "gauge"),
                _ => ("", rest),
            };
            let rest = if word == "# TYPE " { kind } else { rest };
            plain.push_str(&format!("{word}{name}{suffix} {rest}\n"));
        }
        if !line.starts_with('#') {
            plain.push_str(line);
            plain.push('\n');
        }
    }
    plain
}

fn described<'l>(line: &'l str, word: &str) -> Option<(&'l str, &'l str)> {
    line.strip_prefix(word)?.split_once(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn families() -> Vec<Family> {
        let mut packets = Family::new(Kind::Counter, "x_packets", "Packets.");
        packets.put([("interface", "eth0"), ("odd", "a\"b\\c\nd")], 7.0);
        let mut build = Family::new(Kind::Info, "x_build", "Build.");
        build.put([("version", "1")], 1.0);
        let mut sources = Family::new(Kind::Gauge, "x_sources", "Sources.");
        sources.put([("interface", "eth0")], 0.5);
        vec![packets, build, sources]
    }

    #[test]
    fn open_metrics_names_families_and_ends() {
        let text = encode(families(), Format::OpenMetrics).unwrap();
        assert_eq!(
            text,
            "# HELP x_packets Packets.\n# TYPE x_packets counter\n\
             x_packets_total{interface=\"eth0\",odd=\"a\\\"b\\\\c\\nd\"} 7.0\n\
             # HELP x_build Build.\n# TYPE x_build info\nx_build_info{version=\"1\"} 1\n\
             # HELP x_sources Sources.\n# TYPE x_sources gauge\nx_sources{interface=\"eth0\"} 0.5\n\
             # EOF\n"
        );
    }

    #[test]
    fn the_old_format_names_what_stands_there() {
        let text = encode(families(), Format::Text).unwrap();
        assert_eq!(
            text,
            "# HELP x_packets_total Packets.\n# TYPE x_packets_total counter\n\
             x_packets_total{interface=\"eth0\",odd=\"a\\\"b\\\\c\\nd\"} 7.0\n\
             # HELP x_build_info Build.\n# TYPE x_build_info gauge\nx_build_info{version=\"1\"} 1\n\
             # HELP x_sources Sources.\n# TYPE x_sources gauge\nx_sources{interface=\"eth0\"} 0.5\n"
        );
    }

    #[test]
    fn who_asks_is_given_what_he_reads() {
        let prometheus = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";
        assert_eq!(Format::accepted(prometheus), Format::OpenMetrics);
        for other in ["", "*/*", "text/plain"] {
            assert_eq!(Format::accepted(other), Format::Text);
        }
    }
}
