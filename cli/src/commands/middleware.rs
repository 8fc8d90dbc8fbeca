//! `mik middleware`: what is compiled in, what is on, in which rings and order, and where it comes from.

use mik_core::{Registry, Ring, Rings};
use serde_json::json;

use crate::args::MiddlewareArgs;
use crate::failure::Failure;
use crate::output::{columns, print};
use crate::plan::{Plan, rings_of};

/// One line of the list.
struct Line {
    name: String,
    /// Its place among those that are on, from 1.
    place: Option<usize>,
    rings: Option<Rings>,
    origin: String,
}

pub(super) fn middleware(args: &MiddlewareArgs, registry: &Registry) -> Result<(), Failure> {
    let plan = Plan::new(&args.project, registry)?;
    let lines = list(&plan, registry);
    if args.json {
        let lines: Vec<_> = lines.iter().map(Line::to_json).collect();
        print(format_args!("{:#}", serde_json::Value::from(lines)));
    } else {
        let head = ["ORDER", "NAME", "RINGS", "FROM"].map(ToOwned::to_owned);
        let rows: Vec<_> = std::iter::once(head).chain(lines.iter().map(Line::row)).collect();
        print(columns(&rows).trim_end());
    }
    plan.sound()?;
    Ok(())
}

/// First those that are on, as they stand, then those that are off, then those that are not there.
fn list(plan: &Plan, registry: &Registry) -> Vec<Line> {
    let on = plan.middleware.iter().enumerate().map(|(index, placed)| Line {
        name: placed.name.clone(),
        place: Some(index + 1),
        rings: Some(placed.middleware.rings()),
        origin: placed.origin.clone(),
    });
    let is_off = |name: &&str| !plan.middleware.iter().any(|placed| placed.name == *name);
    let off = registry.middlewares().filter(is_off).map(|name| Line {
        name: name.to_owned(),
        place: None,
        rings: rings_of(registry, name),
        origin: registry.middleware_origin(name).unwrap_or_default().to_owned(),
    });
    let absent = registry.absent_middlewares().map(|(name, feature)| Line {
        name: name.to_owned(),
        place: None,
        rings: None,
        origin: format!("not compiled in: build with --features {feature}"),
    });
    on.chain(off).chain(absent).collect()
}

impl Line {
    fn row(&self) -> [String; 4] {
        let place = self.place.map_or_else(|| "off".to_owned(), |place| place.to_string());
        let rings = match self.rings {
            None => "-".to_owned(),
            Some(Rings::NONE) => "endpoint".to_owned(),
            Some(rings) => rings.iter().map(Ring::as_str).collect::<Vec<_>>().join(" "),
        };
        [place, self.name.clone(), rings, self.origin.clone()]
    }

    fn to_json(&self) -> serde_json::Value {
        let rings = self.rings.map(|rings| rings.iter().map(Ring::as_str).collect::<Vec<_>>());
        json!({
            "name": self.name, "on": self.place.is_some(), "order": self.place,
            "rings": rings, "from": self.origin,
        })
    }
}
