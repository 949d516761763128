//! Facts in words.

use std::fmt;

use super::{Fact, Seen, Stamp};

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parent { root } => write!(f, "{} is the partitioned table with OID {}", root.name, root.oid),
            Self::NameFree { name } => write!(f, "no relation is called {name}"),
            Self::RangeFree { root, from, to } => write!(f, "no partition of {} covers {from} to {to}", root.name),
            Self::NoDefault { root } => write!(f, "{} has no default partition", root.name),
            Self::Attached { root, partition, bounds, pending, oid: _ } => {
                let pending = if *pending { ", its detach pending" } else { "" };
                write!(f, "{partition} is attached to {} {bounds}{pending}", root.name)
            }
            Self::Detached { partition } => write!(f, "{} is a table of its own", partition.name),
            Self::Left { root, partition } => write!(f, "{} is no partition of {}", partition.name, root.name),
            Self::Marked { partition, stamp, marker } => match stamp {
                Stamp::Any => write!(f, "{} is marked as retired from {}", partition.name, marker.root),
                Stamp::Absent => {
                    write!(f, "{} is marked as retired from {}, and not stamped", partition.name, marker.root)
                }
                Stamp::Present => {
                    write!(f, "{} is marked as retired from {}, and stamped", partition.name, marker.root)
                }
                Stamp::At(at) => write!(f, "{} is marked as retired from {} at {at}", partition.name, marker.root),
            },
            Self::NotHeld { partition, root } => {
                write!(f, "no comment on {} or {} holds it", partition.name, root.name)
            }
            Self::NoOwnersCode { root, detached: _, by: _ } => {
                write!(f, "no function of a role that may do less than the session hangs on {}", root.name)
            }
            Self::Gone { partition } => write!(f, "{} is gone", partition.name),
            Self::Index { index, table, valid, attached_to, shape: _ } => {
                let valid = match valid {
                    Some(true) => "a valid index",
                    Some(false) => "an invalid index",
                    None => "an index",
                };
                write!(f, "{index} is {valid} of {table}")?;
                match attached_to {
                    Some(parent) => write!(f, ", attached to {parent}"),
                    None => Ok(()),
                }
            }
            Self::IndexParameters { index, set, reset } => {
                write!(f, "{} has", index.name)?;
                let set = set.iter().map(|(name, value)| format!("{name} = {value}"));
                let all: Vec<String> = set.chain(reset.iter().map(|name| format!("no {name}"))).collect();
                write!(f, " {}", all.join(", "))
            }
            Self::Altered { root: _, partition, oid: _, alterations } => {
                let all: Vec<String> = alterations.iter().map(ToString::to_string).collect();
                write!(f, "{partition} has {}", all.join(", "))
            }
            Self::ParentGrants { root, partition, items: _, makes: _, secures: _ } => write!(
                f,
                "{} still grants what {} is to grant, and {0} hides no row that {1} would show",
                root.name, partition.name
            ),
            Self::Analyzed { root, after: None } => write!(f, "{} was analyzed as a whole", root.name),
            Self::Analyzed { root, after: Some(after) } => {
                write!(f, "{} was analyzed as a whole after {after}", root.name)
            }
            Self::Frozen { partition, max_age } => write!(
                f,
                "all of {} is visible, and its oldest transaction is at most {max_age} transactions old",
                partition.name
            ),
            Self::SameIndex { index } => {
                write!(f, "{} is valid, and still the index with OID {}", index.name, index.oid)
            }
            Self::Rebuilt { index } => {
                write!(f, "{} is valid, and no longer the index with OID {}", index.name, index.oid)
            }
            Self::ConnectionLimit { of, limit: -1 } => write!(f, "{of} has no connection limit"),
            Self::ConnectionLimit { of, limit } => write!(f, "{of} has a connection limit of {limit}"),
            Self::RoleSettings { role, database, values } => {
                write!(f, "role {role} has in database {database}")?;
                values.iter().enumerate().try_for_each(|(at, (name, value))| {
                    let comma = if at == 0 { "" } else { "," };
                    match value {
                        Some(value) => write!(f, "{comma} {name} = {value}"),
                        None => write!(f, "{comma} no {name}"),
                    }
                })
            }
            Self::Setting { name, value, seen: Seen::InForce, or_in_files: _ } => write!(f, "{name} is {value}"),
            Self::Setting { name, value: _, seen: Seen::NotInFiles, or_in_files: _ } => {
                write!(f, "the configuration files say nothing of {name}")
            }
            Self::Setting { name, value, seen: Seen::InFiles, or_in_files: _ } => {
                write!(f, "the configuration files say {name} = {value}")
            }
            Self::Setting { name, value, seen: Seen::AtRestart, or_in_files: _ } => {
                write!(f, "{name} is {value}, or a restart brings another value")
            }
            Self::NoIndex { index } => write!(f, "the index {} with OID {} is gone", index.name, index.oid),
        }
    }
}
