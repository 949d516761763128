//! `pgstrata optimize pgbouncer`

use pgstrata::db::Env;
use pgstrata::resource::pooler::fragment;

use super::args::PgbouncerArgs;
use super::door::Leaving;
use super::error::CommandError;
use super::exit::Events;
use super::policy;
use super::ui::Ui;

pub(super) fn run(args: &PgbouncerArgs, env: &Env, ui: &Ui) -> Result<Events, CommandError> {
    let loaded = policy::load(&args.policy, env, ui)?;
    let Some(wanted) = &loaded.desired.limits.pgbouncer else {
        return Err(CommandError::error("the policy says nothing of PgBouncer").hint("write `limits.pgbouncer`"));
    };
    ui.result(&Leaving::text(&fragment(wanted), false))?;
    Ok(Events::new())
}
