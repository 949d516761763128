//! The GRANTs that texts tell a person to run.

use super::Ident;

/// Makes `to` a member of `role` that may `SET ROLE` to it. From 16 on that is an option of each membership, and one that is
/// there already keeps what is not named (GRANT, "GRANT on Roles").
pub(crate) fn membership(role: &Ident, to: &Ident, major: u32) -> String {
    let option = if major >= 16 { " WITH SET TRUE" } else { "" };
    format!("GRANT {role} TO {to}{option}")
}

/// Lets a member have the privileges of `role` without `SET ROLE`: up to 15 that is the member's own attribute.
pub(crate) fn inheritance(role: &Ident, to: &Ident, major: u32) -> String {
    match major {
        16.. => format!("GRANT {role} TO {to} WITH INHERIT TRUE"),
        _ => format!("ALTER ROLE {to} INHERIT"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_a_membership_are_16_s() {
        let (role, to) = (Ident::new("app"), Ident::new("Deploy"));
        assert_eq!(membership(&role, &to, 15), "GRANT app TO \"Deploy\"");
        assert_eq!(membership(&role, &to, 16), "GRANT app TO \"Deploy\" WITH SET TRUE");
        assert_eq!(inheritance(&role, &to, 15), "ALTER ROLE \"Deploy\" INHERIT");
        assert_eq!(inheritance(&role, &to, 18), "GRANT app TO \"Deploy\" WITH INHERIT TRUE");
    }
}
