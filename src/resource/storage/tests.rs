use std::collections::{BTreeMap, BTreeSet};

use crate::apply::judge;
use crate::catalog::{
    AclItem, ColumnStorage, Compression, LeafAttributes, LeafKind, LeafStorage, Oid, PolicyMatch, ReplicaIdentity,
    RowPolicy, StorageMode,
};
use crate::plan::{Action, Alteration, Class, Code, Fact, Gate, PlanOptions, Scope, Step, StorageAction, verify};
use crate::render::{Style, human};
use crate::sql::{Ident, LockMode, TableName, locks};
use crate::testing::{World, findings, lines, simulate};

const TABLE: &str = "public.events";

/// January to April, which is all that the policy wants in March.
fn world(rest: &str) -> (World, Vec<Oid>) {
    world_with("", rest)
}

fn world_with(parameters: &str, rest: &str) -> (World, Vec<Oid>) {
    let policy = format!(
        "tables: {{{TABLE}: {{partition: {{key: at, interval: 1 month, premake: 1}}, storage_parameters: {{{parameters}}}, inherit_privileges: true{rest}}}}}"
    );
    let mut world = World::new("2026-03-14", &policy);
    world.snapshot.catalog.session.superuser = true;
    let leaves = world.windows(TABLE, "2026-01-01", "2026-05-01");
    (world, leaves)
}

/// A partition that was looked at, and is like a parent that sets nothing.
fn plain() -> LeafAttributes {
    LeafAttributes {
        tablespace: None,
        grants: Vec::new(),
        row_security: false,
        force_row_security: false,
        policies: BTreeMap::new(),
        replica_identity: ReplicaIdentity::Default,
        identity_index: None,
        primary_key: true,
        statistics_targets: BTreeMap::new(),
        columns: BTreeMap::new(),
        publications: BTreeSet::new(),
        lacks_statistics: BTreeSet::new(),
        owner_creates_in_schema: true,
    }
}

fn stored(world: &mut World, leaf: Oid) -> &mut LeafStorage {
    world.root(TABLE).storage.as_mut().unwrap().leaves.entry(leaf).or_default()
}

fn own(world: &mut World, leaf: Oid) -> &mut LeafAttributes {
    stored(world, leaf).own.get_or_insert_with(|| Box::new(plain()))
}

fn parameter(world: &mut World, leaf: Oid, name: &str, value: &str) {
    stored(world, leaf).parameters.insert(name.to_owned(), value.to_owned());
}

fn grant(grantee: Option<&str>, column: Option<&str>, privileges: &[&str]) -> AclItem {
    AclItem {
        grantee: grantee.map(Ident::new),
        column: column.map(Ident::new),
        grantable: false,
        privileges: privileges.iter().map(|privilege| (*privilege).to_owned()).collect(),
    }
}

fn policy(name: &str) -> RowPolicy {
    RowPolicy {
        name: Ident::new(name),
        permissive: true,
        command: "ALL".to_owned(),
        roles: vec![None],
        using: Some("(tenant = 1)".to_owned()),
        check: None,
        reads: BTreeSet::from([TableName::new("public", "tenants")]),
    }
}

fn alterations(step: &Step) -> &[Alteration] {
    let Action::Storage(StorageAction::Alter(alter)) = &step.action else { panic!("{}", step.id) };
    &alter.alterations
}

/// Every step, and that nothing is left once they are done.
fn steps(world: &mut World) -> Vec<String> {
    let plan = world.plan();
    let text = lines(&plan);
    simulate(world, &plan);
    let again = world.plan();
    assert!(again.is_empty(), "it never ends:\n{text}then:\n{}", lines(&again));
    text.lines().filter(|line| !line.starts_with(['?', '='])).map(str::to_owned).collect()
}

fn seen(world: &mut World) -> String {
    findings(&world.plan())
}

#[test]
fn parameters_are_set_where_the_server_understands_another_value() {
    let (mut world, leaves) =
        world_with("fillfactor: 70, autovacuum_enabled: false, toast.autovacuum_enabled: false", "");
    for leaf in &leaves {
        parameter(&mut world, *leaf, "autovacuum_enabled", "off");
        parameter(&mut world, *leaf, "toast.autovacuum_enabled", "0");
    }
    // Said otherwise, and the same.
    parameter(&mut world, leaves[0], "fillfactor", "0x46");
    parameter(&mut world, leaves[1], "fillfactor", "90");
    // Without a TOAST table nothing can be set there.
    stored(&mut world, leaves[2]).toasted = false;
    stored(&mut world, leaves[2]).parameters.remove("toast.autovacuum_enabled");
    // More than the policy names is nobody's business.
    parameter(&mut world, leaves[3], "parallel_workers", "4");
    let found = world.plan();
    assert_eq!(
        steps(&mut world),
        [
            "set public.events_20260301 [fillfactor 70] drift: storage_parameters (2 of 4 partitions)",
            "set public.events_20260401 [fillfactor 70] drift: storage_parameters (2 of 4 partitions)",
            "set public.events_20260201 [fillfactor 70 (was 90)] drift: storage_parameters",
        ]
    );
    assert_eq!(findings(&found), "");
    let mut text = String::new();
    human::plan(&found, Style::PLAIN, &mut text).unwrap();
    let folded = "events_20260301 … events_20260401  fillfactor 70 on 2 of 4 partitions  drift: storage_parameters";
    for line in [
        "Plan: 0 to create, 3 to change,",
        folded,
        "SHARE UPDATE EXCLUSIVE at most on each of 3 partitions whose settings change; reads and writes continue.",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[test]
fn a_new_partition_brings_its_parameters_along() {
    let (mut world, leaves) = world_with("fillfactor: 70, toast.vacuum_truncate: false", "");
    world.root(TABLE).leaves.remove(&leaves[3]);
    for leaf in &leaves[..3] {
        parameter(&mut world, *leaf, "fillfactor", "70");
        parameter(&mut world, *leaf, "toast.vacuum_truncate", "false");
    }
    assert_eq!(
        steps(&mut world),
        ["+ public.events_p20260401 [2026-04-01, 2026-05-01) overdue: the next window is missing"]
    );
}

#[test]
fn a_parameter_that_came_later_is_a_finding_and_no_failed_step() {
    let (mut world, leaves) = world_with("fillfactor: 70, vacuum_max_eager_freeze_failure_rate: 0.1", "");
    world.root(TABLE).leaves.remove(&leaves[3]);
    let found = world.plan();
    assert!(findings(&found).contains(
        "PARAMETER_UNSUPPORTED: `vacuum_max_eager_freeze_failure_rate` came with PostgreSQL 18: partitions here, of 17, go without"
    ));
    let text = serde_json::to_string(&found.steps).unwrap();
    assert!(text.contains("fillfactor") && !text.contains("vacuum_max_eager_freeze_failure_rate"), "{text}");
    world.snapshot.target.server_version_num = 180_001;
    let found = world.plan();
    assert_eq!(findings(&found), "");
    let made = serde_json::to_string(&found.steps[0].action).unwrap();
    assert!(made.contains("vacuum_max_eager_freeze_failure_rate"), "{made}");
}

/// A parent that sets everything that a partition can take over.
fn full_parent(world: &mut World) {
    let root = world.root(TABLE);
    root.attributes.owner = Ident::new("keeper");
    root.attributes.grants =
        vec![grant(Some("reader"), None, &["INSERT", "SELECT"]), grant(None, Some("body"), &["SELECT"])];
    root.attributes.row_security.enabled = true;
    root.attributes.row_security.forced = true;
    root.attributes.row_security.policies = vec![policy("tenants")];
    root.attributes.replica_identity = ReplicaIdentity::Index(Ident::new("events_key"));
    root.attributes.statistics_targets = BTreeMap::from([(Ident::new("body"), 500)]);
    let column = ColumnStorage { storage: Some(StorageMode::External), compression: Some(Compression::Lz4) };
    root.storage.as_mut().unwrap().columns = BTreeMap::from([(Ident::new("body"), column)]);
    for leaf in root.leaves.values_mut() {
        leaf.owner = Ident::new("keeper");
    }
}

#[test]
fn whose_it_is_and_who_may_what_becomes_the_parents() {
    let (mut world, leaves) = world_with("fillfactor: 70", "");
    full_parent(&mut world);
    for leaf in &leaves[1..] {
        parameter(&mut world, *leaf, "fillfactor", "70");
    }
    world.leaf_mut(leaves[0]).owner = Ident::new("app");
    let body = ColumnStorage { storage: Some(StorageMode::Extended), compression: None };
    let mine = own(&mut world, leaves[0]);
    mine.columns = BTreeMap::from([(Ident::new("body"), body)]);
    mine.identity_index = Some(Ident::new("events_20260101_key"));
    mine.grants = vec![grant(Some("reader"), None, &["SELECT"])];
    let plan = world.plan();
    let all: Vec<Vec<String>> =
        plan.steps.iter().map(|step| alterations(step).iter().map(ToString::to_string).collect()).collect();
    assert_eq!(
        all[0],
        ["fillfactor 70", "statistics target 500 of body"],
        "as the old owner, while reads and writes go on"
    );
    // The new owner does what follows; grants come after the row security that they must not go around.
    assert_eq!(
        all[1],
        [
            "owner keeper (was app, who keeps only what it is granted)",
            "compression lz4 of body",
            "storage EXTERNAL of body (was EXTENDED)",
            "replica identity an index (was the primary key)",
            "row security policy tenants",
            "row security on",
            "row security forced on the owner",
            "INSERT to reader",
            "SELECT (body) to PUBLIC",
        ]
    );
    assert_eq!(all.len(), 2);
    assert_eq!(plan.steps[1].needs, [plan.steps[0].id.clone()]);
    assert!(plan.steps.iter().all(|step| step.class == Class::Drift));
    let heaviest =
        |step: &Step| locks(&step.action, 17).into_iter().map(|lock| (lock.relation, lock.mode)).collect::<Vec<_>>();
    let partition = TableName::new("public", "events_20260101");
    assert_eq!(heaviest(&plan.steps[0]), [(partition.clone(), LockMode::ShareUpdateExclusive)]);
    assert_eq!(
        heaviest(&plan.steps[1]),
        [(partition, LockMode::AccessExclusive), (TableName::new("public", "tenants"), LockMode::AccessShare)]
    );
    assert_eq!(steps(&mut world).len(), 2);
}

#[test]
fn a_grant_alone_waits_for_nobody() {
    let (mut world, leaves) = world("");
    world.root(TABLE).attributes.grants = vec![grant(Some("reader"), None, &["SELECT"])];
    own(&mut world, leaves[0]);
    let plan = world.plan();
    assert_eq!(locks(&plan.steps[0].action, 17), []);
    assert_eq!(locks(&plan.steps[0].action, 18)[0].mode, LockMode::AccessShare);
    assert_eq!(steps(&mut world), ["set public.events_20260101 [SELECT to reader] drift: not like its parent"]);
}

#[test]
fn what_a_partition_has_beyond_its_parent_is_said_and_left_alone() {
    let (mut world, leaves) = world("");
    for leaf in &leaves[..3] {
        let own = own(&mut world, *leaf);
        own.grants = vec![grant(Some("analyst"), None, &["SELECT"]), grant(Some("app"), None, &["SELECT"])];
        own.row_security = true;
        own.force_row_security = true;
        own.policies = BTreeMap::from([(Ident::new("mine"), PolicyMatch::Own)]);
        own.statistics_targets = BTreeMap::from([(Ident::new("body"), 7)]);
        let pglz = ColumnStorage { storage: Some(StorageMode::Extended), compression: Some(Compression::Pglz) };
        own.columns = BTreeMap::from([(Ident::new("body"), pglz)]);
        own.publications = BTreeSet::from(["feed".to_owned()]);
        own.lacks_statistics = BTreeSet::from([TableName::new("public", "related")]);
        own.tablespace = Some(Ident::new("archive"));
    }
    let plan = world.plan();
    assert!(plan.is_empty(), "{}", lines(&plan));
    let text = findings(&plan);
    for part in [
        "PARTITION_HAS_OWN public.events_20260101: it has a compression",
        "PARTITION_HAS_OWN public.events_20260101: it has a row security policy mine, which its parent has not: left alone; the same of 2 more",
        "it has a statistics target for column body",
        "it has row security, which",
        "it has row security that is forced on its owner",
        "it has granted SELECT to analyst",
        "publication feed lists it, and not its parent",
        "PARTITION_LACKS_STATISTICS public.events_20260101: it has no statistics object like public.related",
    ] {
        assert!(text.contains(&part.replace("a compression", "compression pglz for column body")), "{part}:\n{text}");
    }
    // Owned by app: what that was granted is its own. And archives are moved on purpose.
    assert!(!text.contains("to app,") && !text.contains("archive"), "{text}");
    world.root(TABLE).attributes.tablespace = Some(Ident::new("fast"));
    assert!(seen(&mut world).contains("it is stored in tablespace archive, new ones in fast: no data is moved"));
}

#[test]
fn nothing_is_granted_past_row_security_that_is_not_the_parents() {
    for (matched, code) in [
        (PolicyMatch::Differs, "PARTITION_DIFFERS"),
        (PolicyMatch::Own, "PARTITION_HAS_OWN"),
        (PolicyMatch::Unknown("it is locked".to_owned()), "PARTITION_UNVERIFIED"),
    ] {
        let (mut world, leaves) = world("");
        let root = world.root(TABLE);
        root.attributes.grants = vec![grant(Some("reader"), None, &["SELECT"])];
        root.attributes.row_security.enabled = true;
        let name = if matched == PolicyMatch::Own { "mine" } else { "tenants" };
        if name == "tenants" {
            root.attributes.row_security.policies = vec![policy("tenants")];
        }
        own(&mut world, leaves[0]).policies = BTreeMap::from([(Ident::new(name), matched)]);
        let text = seen(&mut world);
        assert!(text.contains(&format!("{code} public.events_20260101")), "{text}");
        assert!(
            text.contains("PARTITION_DIFFERS public.events_20260101: SELECT to reader is not granted while"),
            "{text}"
        );
        assert_eq!(steps(&mut world), ["alter public.events_20260101 [row security on] drift: not like its parent"]);
        // Where the parent hides nothing there is nothing to go around.
        world.root(TABLE).attributes.row_security.enabled = false;
        world.root(TABLE).attributes.row_security.policies.clear();
        assert_eq!(steps(&mut world), ["set public.events_20260101 [SELECT to reader] drift: not like its parent"]);
    }
}

#[test]
fn a_replica_identity_never_becomes_one_that_updates_would_fail_with() {
    use ReplicaIdentity::{Default, Full, Index, Nothing};
    let index = |name: &str| Index(Ident::new(name));
    for (parent, found, key, expected) in [
        (Default, Nothing, true, Ok("replica identity the primary key (was nothing)")),
        (Default, Nothing, false, Err("without a primary key")),
        (Default, Full, true, Err("PARTITION_HAS_OWN public.events_20260101: it has a replica identity of its own")),
        (Nothing, Full, true, Err("with none, updates and deletes")),
        (Nothing, Nothing, false, Ok("")),
        (Full, Default, false, Ok("replica identity the whole row (was the primary key)")),
        (index("k"), Nothing, false, Ok("replica identity an index (was nothing)")),
        (index("k"), index("events_20260101_k"), false, Ok("")),
    ] {
        let (mut world, leaves) = world("");
        world.root(TABLE).attributes.replica_identity = parent.clone();
        let mine = own(&mut world, leaves[0]);
        (mine.replica_identity, mine.primary_key) = (found, key);
        mine.identity_index = matches!(parent, Index(_)).then(|| Ident::new("events_20260101_k"));
        let plan = world.plan();
        let done: String = plan.steps.iter().flat_map(alterations).map(ToString::to_string).collect();
        match expected {
            Ok(words) => assert_eq!(done, words),
            Err(because) => {
                assert_eq!(done, "");
                let text = findings(&plan);
                assert!(text.contains("public.events_20260101: ") && text.contains(because), "{text}");
            }
        }
    }
    let (mut world, leaves) = world("");
    world.root(TABLE).attributes.replica_identity = index("k");
    own(&mut world, leaves[0]);
    assert!(seen(&mut world).contains("it has no valid index that is attached to k"));
}

#[test]
fn what_leaves_or_is_no_ordinary_table_is_left_alone() {
    let (mut world, leaves) =
        world_with("fillfactor: 70", ", retention: {keep: 1 month, then: detach}, maintenance: {freeze_closed: true}");
    world.leaf_mut(leaves[1]).kind = LeafKind::Foreign;
    world.leaf_mut(leaves[2]).kind = LeafKind::Partitioned;
    let plan = world.plan();
    let altered: Vec<&str> =
        plan.steps.iter().filter(|step| step.action.word() == "set").map(|step| step.id.0.as_str()).collect();
    assert!(plan.steps.iter().any(|step| step.id.0 == "detach public.events_20260101"), "{}", lines(&plan));
    assert_eq!(altered, ["set public.events_20260401"], "{}", lines(&plan));
    world.policy(&format!(
        "tables: {{{TABLE}: {{partition: {{key: at, interval: 1 month, premake: 1}}, storage_parameters: {{fillfactor: 70}}}}}}"
    ));
    world.leaf_mut(leaves[0]).pending = true;
    assert!(!lines(&world.plan()).contains("set public.events_20260101"));
}

#[test]
fn other_scopes_and_unread_storage_alter_nothing() {
    let (mut world, _) = world_with("fillfactor: 70", "");
    for scope in [Scope::Creations, Scope::Removals, Scope::Maintenance] {
        let options = PlanOptions { scope, ..world.options() };
        assert!(world.plan_with(&options).is_empty(), "{scope:?}");
    }
    world.root(TABLE).storage = None;
    let plan = world.plan();
    assert!(plan.is_empty());
    assert_eq!(plan.findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), [Code::PartitionUnverified]);
}

#[test]
fn missing_rights_are_named_and_stop_nothing_else() {
    let (mut world, leaves) = world("");
    let keeper = Ident::new("keeper");
    world.root(TABLE).attributes.owner = keeper.clone();
    world.root(TABLE).leaves.remove(&leaves[3]);
    for leaf in &leaves[..2] {
        world.leaf_mut(*leaf).owner = keeper.clone();
    }
    let session = &mut world.snapshot.catalog.session;
    (session.superuser, session.name) = (false, "deploy".to_owned());
    session.may_become = BTreeSet::from([keeper]);
    let because = |world: &mut World| -> Vec<String> {
        let plan = world.plan();
        assert_eq!(plan.steps[0].id.0, "create public.events_p20260401");
        assert!(!plan.steps[0].gate.is_blocked() && plan.findings.is_empty(), "{}", lines(&plan));
        match &plan.steps[1].gate {
            Gate::Blocked(blocks) => blocks.iter().map(ToString::to_string).collect(),
            Gate::Open | Gate::Granted(_) => Vec::new(),
        }
    };
    own(&mut world, leaves[2]).owner_creates_in_schema = false;
    let creates =
        "keeper may not create in schema public, or not use it: GRANT USAGE, CREATE ON SCHEMA public TO keeper";
    let owns = "deploy may not SET ROLE app, which owns it: GRANT app TO deploy WITH SET TRUE";
    assert_eq!(because(&mut world), [owns, creates]);
    own(&mut world, leaves[2]).owner_creates_in_schema = true;
    world.snapshot.catalog.session.superusers.insert(Ident::new("app"));
    assert_eq!(
        because(&mut world),
        ["deploy may not SET ROLE app, which owns it and is a superuser: let one change its owner"]
    );
    world.snapshot.catalog.session.superusers.clear();
    world.snapshot.catalog.session.may_become.insert(Ident::new("app"));
    let inherits = because(&mut world);
    assert!(inherits[0].starts_with("deploy is a member of app, does not inherit its privileges"), "{inherits:?}");
    world.snapshot.catalog.session.acts_as.insert(Ident::new("app"));
    assert_eq!(because(&mut world), Vec::<String>::new());
}

#[test]
fn a_partition_that_changes_hands_is_kept_by_its_new_owner() {
    let (mut world, leaves) = world(", maintenance: {freeze_closed: true}");
    let upkeep = world.upkeep(TABLE);
    let leaf = upkeep.leaves.get_mut(&leaves[0]).unwrap();
    (leaf.visible, leaf.xid_age) = (0, 10);
    let vacuums = |world: &mut World| lines(&world.plan()).contains("vacuum public.events_20260101");
    assert!(vacuums(&mut world));
    world.leaf_mut(leaves[0]).owner = Ident::new("other");
    assert!(!vacuums(&mut world), "its owner, who would vacuum, is another by then");
    let plan = world.plan();
    simulate(&mut world, &plan);
    assert!(vacuums(&mut world));
}

#[test]
fn a_step_of_a_saved_plan_is_superseded_once_the_value_moved() {
    let (mut world, leaves) = world_with("fillfactor: 70", "");
    for leaf in &leaves {
        parameter(&mut world, *leaf, "fillfactor", "90");
    }
    let saved = world.plan();
    let options = world.options();
    let of = |world: &World| judge(&saved, &world.desired, &world.snapshot, &options);
    assert_eq!(of(&world).unwrap().plan.steps.len(), 4);
    parameter(&mut world, leaves[0], "fillfactor", "7e1");
    let judged = of(&world).unwrap();
    assert_eq!((judged.satisfied.len(), judged.plan.steps.len()), (1, 3), "{}", lines(&judged.plan));
    parameter(&mut world, leaves[0], "fillfactor", "80");
    // Somebody chose that since: it is not written over unseen, and keeps nothing else from happening.
    let judged = of(&world).unwrap();
    let superseded: Vec<(&str, bool)> = judged.superseded.iter().map(|one| (one.step.0.as_str(), one.wanted)).collect();
    assert_eq!(superseded, [("set public.events_20260101", true)]);
    assert_eq!((judged.satisfied.len(), judged.plan.steps.len()), (0, 3), "{}", lines(&judged.plan));
}

#[test]
fn a_plan_that_gives_more_than_the_parent_breaks_a_rule() {
    let (mut world, leaves) = world_with("fillfactor: 70", "");
    full_parent(&mut world);
    for leaf in &leaves {
        parameter(&mut world, *leaf, "fillfactor", "70");
    }
    let mine = own(&mut world, leaves[0]);
    mine.row_security = true;
    mine.force_row_security = true;
    mine.policies = BTreeMap::from([(Ident::new("tenants"), PolicyMatch::Alike)]);
    mine.identity_index = Some(Ident::new("i"));
    let honest = world.plan();
    assert_eq!(verify(&honest, &world.desired, &world.snapshot), Ok(()));
    let other = |name: &str| RowPolicy { name: Ident::new(name), ..policy(name) };
    let wide = RowPolicy { using: Some("true".to_owned()), ..policy("tenants") };
    for forged in [
        Alteration::Owner { from: Ident::new("keeper"), to: Ident::new("mallory") },
        Alteration::Parameter { name: "fillfactor".to_owned(), from: None, to: "10".to_owned() },
        Alteration::Parameter { name: "autovacuum_enabled".to_owned(), from: None, to: "false".to_owned() },
        Alteration::StatisticsTarget { column: Ident::new("body"), from: None, to: 1 },
        Alteration::Compression { column: Ident::new("body"), from: None, to: Compression::Pglz },
        Alteration::Storage { column: Ident::new("body"), from: StorageMode::Extended, to: StorageMode::Plain },
        Alteration::ReplicaIdentity { from: ReplicaIdentity::Default, to: ReplicaIdentity::Nothing },
        Alteration::Policy { policy: other("everybody") },
        Alteration::Policy { policy: wide },
        Alteration::Grant { item: grant(Some("reader"), None, &["DELETE"]) },
        Alteration::Grant { item: grant(None, None, &["SELECT"]) },
        Alteration::Grant { item: grant(Some("reader"), None, &["SELECT; DROP TABLE events; --"]) },
        Alteration::Grant { item: AclItem { grantable: true, ..grant(Some("reader"), None, &["SELECT"]) } },
    ] {
        let mut plan = honest.clone();
        let step = plan.steps.last_mut().unwrap();
        let Action::Storage(StorageAction::Alter(alter)) = &mut step.action else { panic!("{}", step.id) };
        alter.alterations = vec![forged.clone()];
        for fact in &mut step.after {
            if let Fact::Altered { alterations, .. } = fact {
                *alterations = vec![forged.clone()];
            }
        }
        step.id.0 = format!("{} {}", step.action.word(), step.action.object());
        assert!(verify(&plan, &world.desired, &world.snapshot).is_err(), "{forged}");
    }
}
