//! `down` of environments on a container engine.

use std::process::ExitCode;

use super::block_on;
use super::remains::Place;
use crate::commands::name_of;
use crate::context::Context;
use crate::environment::{Moving, RealEnvironments, Record, take_down};
use crate::ui::Steps;

/// Takes environments down, one after the other; one that cannot be does not keep the others up. One whose record cannot be read is
/// removed by its name.
pub(in crate::commands) fn down(context: &Context, records: &[Record]) -> anyhow::Result<ExitCode> {
    let environments = RealEnvironments::of_user()?;
    block_on(async {
        let mut first = None;
        for record in records {
            if let Err(error) = down_one(context, &environments, record).await {
                match &first {
                    None => first = Some(error),
                    Some(_) => Steps::new().note(format!("{error:#}")),
                }
            }
        }
        first.map_or(Ok(ExitCode::SUCCESS), Err)
    })
}

async fn down_one(context: &Context, environments: &RealEnvironments, record: &Record) -> anyhow::Result<()> {
    let name = name_of(record);
    let _hold = environments.hold(name, Moving::Down)?;
    // Whoever held the name until now may have removed it.
    let Some(record) = environments.read(name).transpose() else {
        Steps::new().note(format!("nothing was left of {name}"));
        return Ok(());
    };
    let place = Place::of(&record, environments);
    if let Err(bad) = &record {
        Steps::new().note(format!("{}: what there is of it is found by its name", bad.why()));
    }
    let engine = place.engine(environments).await?;
    let remains = place.remains(context, environments, engine).await?;
    take_down(&remains, environments, name).await
}
