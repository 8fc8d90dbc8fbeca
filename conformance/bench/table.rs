//! Medians and ratios, as a table for people or as JSON.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::scripts::SCRIPT;
use crate::sides::{Chain, Kind, Side};

/// How the names of cases begin that compare chains of middleware.
pub(crate) const CHAIN: &str = "chain";

/// All measurements, in the order in which they were made.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<Cell>);

#[derive(Debug)]
struct Cell {
    case: &'static str,
    unit: &'static str,
    side: &'static str,
    kind: Kind,
    values: Vec<f64>,
    /// Processor time for one request, in microseconds.
    cpu: Vec<f64>,
}

impl Table {
    /// Adds one measurement.
    pub(crate) fn add(
        &mut self,
        case: &'static str,
        unit: &'static str,
        side: &Side,
        (value, cpu): (f64, Option<f64>),
    ) {
        let found = self.0.iter_mut().find(|cell| cell.case == case && cell.side == side.name);
        match found {
            Some(cell) => {
                cell.values.push(value);
                cell.cpu.extend(cpu);
            }
            None => {
                self.0.push(Cell {
                    case,
                    unit,
                    side: side.name,
                    kind: side.kind,
                    values: vec![value],
                    cpu: cpu.into_iter().collect(),
                });
            }
        }
    }

    /// A table in Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from(
            "| case | side | median | lowest | highest | CPU a request (beyond the calls) | ratio |\n|---|---|--:|--:|--:|--:|--:|\n",
        );
        for cell in &self.0 {
            let (low, median, high) = spread(&cell.values);
            let ratio = self.ratio(cell).map_or("–".to_owned(), |ratio| format!("{ratio:.3} ×"));
            let beyond = self.beyond(cell).map_or(String::new(), |more| format!(" ({more:+.2})"));
            let cpu = match cell.cpu.is_empty() {
                true => "–".to_owned(),
                false => format!("{:.2} µs{beyond}", spread(&cell.cpu).1),
            };
            let number = |value: f64| match cell.unit {
                "ms" if value < 10.0 => format!("{value:.2}"),
                "ms" => format!("{value:.1}"),
                _ => format!("{value:.0}"),
            };
            let (case, side, unit) = (cell.case, cell.side, cell.unit);
            let _ = writeln!(
                text,
                "| {case} | {side} | {} {unit} | {} | {} | {cpu} | {ratio} |",
                number(median),
                number(low),
                number(high)
            );
        }
        text
    }

    /// The same as JSON, with every measurement.
    pub(crate) fn json(&self) -> Value {
        let cells = self.0.iter().map(|cell| {
            let (low, median, high) = spread(&cell.values);
            json!({
                "case": cell.case,
                "side": cell.side,
                "unit": cell.unit,
                "median": median,
                "lowest": low,
                "highest": high,
                "cpu_us": (!cell.cpu.is_empty()).then(|| spread(&cell.cpu).1),
                "cpu_us_beyond_calls": self.beyond(cell),
                "ratio": self.ratio(cell),
                "values": cell.values,
            })
        });
        Value::Array(cells.collect())
    }

    /// The median in relation to that of the side that the case is compared with.
    fn ratio(&self, cell: &Cell) -> Option<f64> {
        let base = self.base(cell)?;
        Some(spread(&cell.values).1 / (spread(&base.values).1 / calls(cell)))
    }

    /// The processor time of a script, in microseconds, without as much as its calls take when a client makes
    /// them. That has each of them pass the HTTP server, so the figure may be negative.
    fn beyond(&self, cell: &Cell) -> Option<f64> {
        let base = self.base(cell).filter(|_| matches!(cell.kind, Kind::Script { .. }))?;
        Some(spread(&cell.cpu).1 - calls(cell) * spread(&base.cpu).1)
    }

    /// The side that the case is compared with: `wasmtime serve`, mik without middleware, or mik without a
    /// script. `None` for that side itself.
    fn base(&self, cell: &Cell) -> Option<&Cell> {
        let is_base = |kind: Kind| match kind {
            Kind::Wasmtime { .. } => true,
            Kind::Mik { chain, .. } => {
                chain == Chain::Empty && cell.case.starts_with(CHAIN)
                    || cell.case.starts_with(SCRIPT)
            }
            _ => false,
        };
        let base = self.0.iter().find(|other| other.case == cell.case && is_base(other.kind))?;
        (base.side != cell.side).then_some(base)
    }
}

/// Calls that one request comes to: what it is compared with makes one.
fn calls(cell: &Cell) -> f64 {
    match cell.kind {
        Kind::Script { work, .. } => f64::from(work.calls().max(1)),
        _ => 1.0,
    }
}

/// Lowest, median, highest.
fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let median = if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        (sorted[middle - 1] + sorted[middle]) / 2.0
    };
    (sorted[0], median, sorted[sorted.len() - 1])
}
