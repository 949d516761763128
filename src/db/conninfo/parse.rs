//! Connection strings: URIs and `key = value` lists, by libpq's grammar (PostgreSQL documentation, "Connection
//! Strings"). No error repeats text that might be part of a password.

use std::collections::BTreeMap;

use super::keyword;

/// Keyword to value, as one source gives them. A value may be empty: it still hides what lower layers say.
pub(super) type Settings = BTreeMap<&'static str, String>;

/// Parses either form.
pub(super) fn parse(text: &str) -> Result<Settings, String> {
    let text = text.trim();
    match text.strip_prefix("postgresql://").or_else(|| text.strip_prefix("postgres://")) {
        Some(rest) => parse_uri(rest),
        None if text.contains("://")
            || ["postgresql:", "postgres:", "postgresql/", "postgres/"].iter().any(|head| text.starts_with(head)) =>
        {
            Err("a URI must begin with postgresql:// or postgres://".to_owned())
        }
        None => parse_pairs(text),
    }
}

/// Stores a value under its keyword.
pub(super) fn put(settings: &mut Settings, name: &str, value: String) -> Result<(), String> {
    match keyword::find(name) {
        Some(keyword) => {
            settings.insert(keyword.name, value);
            Ok(())
        }
        // A stranger may be a piece of a password with a space or an & in it: only near misses are repeated.
        None => Err(match keyword::nearest(name) {
            Some(nearest) => format!("unknown keyword \"{name}\"; did you mean {}?", nearest.name),
            None => format!("setting number {} has an unknown keyword", settings.len() + 1),
        }),
    }
}

fn parse_pairs(text: &str) -> Result<Settings, String> {
    let mut settings = Settings::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_ascii_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return Ok(settings);
        }
        let mut name = String::new();
        while let Some(c) = chars.next_if(|c| *c != '=' && !c.is_ascii_whitespace()) {
            name.push(c);
        }
        while chars.next_if(|c| c.is_ascii_whitespace()).is_some() {}
        if chars.next_if_eq(&'=').is_none() {
            let after = settings.len();
            // The word may be the second half of an unquoted password.
            return Err(format!(
                "a word after {after} settings has no \"=\"; values with spaces need single quotes, and a URI begins with postgresql://"
            ));
        }
        while chars.next_if(|c| c.is_ascii_whitespace()).is_some() {}
        let quoted = chars.next_if_eq(&'\'').is_some();
        let mut value = String::new();
        let mut closed = !quoted;
        while let Some(c) = chars.next_if(|c| quoted || !c.is_ascii_whitespace()) {
            match c {
                '\'' if quoted => {
                    closed = true;
                    break;
                }
                '\\' => value.extend(chars.next()),
                other => value.push(other),
            }
        }
        if !closed {
            return Err(format!("the quoted value of \"{}\" has no closing quote", known(&name)));
        }
        put(&mut settings, &name, value)?;
    }
}

fn known(name: &str) -> &str {
    keyword::find(name).map_or("?", |keyword| keyword.name)
}

fn parse_uri(rest: &str) -> Result<Settings, String> {
    let mut settings = Settings::new();
    // Credentials end at the first @ before any slash, as in libpq: a slash in a password must be percent-encoded.
    let before_path = rest.find('/').unwrap_or(rest.len());
    let rest = match rest[..before_path].find('@') {
        Some(at) => {
            let (user, password) = match rest[..at].split_once(':') {
                Some((user, password)) => (user, Some(password)),
                None => (&rest[..at], None),
            };
            if !user.is_empty() {
                settings.insert("user", decode(user)?);
            }
            if let Some(password) = password {
                settings.insert("password", decode(password)?);
            }
            &rest[at + 1..]
        }
        None => rest,
    };
    if rest.split('?').next().is_some_and(|path| path.contains('@')) {
        return Err("an @ stands after the credentials: percent-encode @ / : ? in user and password (%40 %2F %3A %3F)"
            .to_owned());
    }
    let (address, query) = rest.split_once('?').map_or((rest, None), |(address, query)| (address, Some(query)));
    let (hosts, dbname) = address.split_once('/').map_or((address, ""), |(hosts, dbname)| (hosts, dbname));
    parse_hosts(hosts, &mut settings)?;
    if !dbname.is_empty() {
        settings.insert("dbname", decode(dbname)?);
    }
    for parameter in query.into_iter().flat_map(|query| query.split('&')).filter(|parameter| !parameter.is_empty()) {
        let Some((name, value)) = parameter.split_once('=') else {
            return Err("a URI query parameter has no \"=\"".to_owned());
        };
        let (name, value) = (decode(name)?, decode(value)?);
        if value.contains('=') && parameter.matches('=').count() > 1 {
            return Err(format!(
                "the URI query parameter \"{}\" has a second \"=\": percent-encode it (%3D)",
                known(&name)
            ));
        }
        // JDBC's spelling, which libpq takes in URIs too.
        if name == "ssl" && value == "true" {
            settings.insert("sslmode", "require".to_owned());
        } else {
            put(&mut settings, &name, value)?;
        }
    }
    Ok(settings)
}

/// `host[:port][,…]` into the comma lists that the keywords `host` and `port` take.
fn parse_hosts(text: &str, settings: &mut Settings) -> Result<(), String> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for one in text.split(',') {
        let (host, port) = if let Some(inside) = one.strip_prefix('[') {
            let (host, after) = inside.split_once(']').ok_or("an IPv6 address in the URI has no closing ]")?;
            if host.is_empty() {
                return Err("an IPv6 address in the URI is empty".to_owned());
            }
            match after.strip_prefix(':') {
                Some(port) => (host, port),
                None if after.is_empty() => (host, ""),
                None => return Err("text follows an IPv6 address in the URI".to_owned()),
            }
        } else {
            one.split_once(':').unwrap_or((one, ""))
        };
        if !port.bytes().all(|b| b.is_ascii_digit()) {
            return Err("a port in the URI is not a number: percent-encode @ / : ? in user and password".to_owned());
        }
        hosts.push(decode(host)?);
        ports.push(port.to_owned());
    }
    if hosts.iter().any(|host| !host.is_empty()) {
        settings.insert("host", hosts.join(","));
    }
    if ports.iter().any(|port| !port.is_empty()) {
        settings.insert("port", ports.join(","));
    }
    Ok(())
}

/// Percent-decoding. `+` stays a plus, as in libpq.
fn decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        match (digit(rest.next()), digit(rest.next())) {
            (Some(0), Some(0)) => return Err("%00 is not allowed in a URI".to_owned()),
            (Some(high), Some(low)) => bytes.push(high * 16 + low),
            (Some(_) | None, _) => {
                return Err("a % in the URI is not followed by two hexadecimal digits (a plain % is %25)".to_owned());
            }
        }
    }
    String::from_utf8(bytes).map_err(|_| "percent-encoding in the URI gives no valid UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match parse(text) {
            Ok(settings) => settings.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" "),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn uris() {
        for (uri, expected) in [
            ("postgresql://", ""),
            ("postgres://localhost", "host=localhost"),
            ("postgresql://localhost:5433/app", "dbname=app host=localhost port=5433"),
            ("postgresql://ana@localhost", "host=localhost user=ana"),
            ("postgresql://ana:s%20%40%2F@h/app", "dbname=app host=h password=s @/ user=ana"),
            ("postgresql://ana:a?b@h", "host=h password=a?b user=ana"),
            ("postgresql:///app?host=/run/pg&port=6000", "dbname=app host=/run/pg port=6000"),
            ("postgresql://%2Frun%2Fpg/app", "dbname=app host=/run/pg"),
            ("postgresql://%2Frun%2Fpg:6000/app", "dbname=app host=/run/pg port=6000"),
            ("postgresql://[::1]:5433/app", "dbname=app host=::1 port=5433"),
            ("postgresql://[2001:db8::1]", "host=2001:db8::1"),
            ("postgresql://a:1,b:2/app", "dbname=app host=a,b port=1,2"),
            ("postgresql://a,b:2/app", "dbname=app host=a,b port=,2"),
            (
                "postgresql://a,[::1]/app?target_session_attrs=read-write",
                "dbname=app host=a,::1 target_session_attrs=read-write",
            ),
            ("postgresql://h?sslmode=verify-full&connect_timeout=3", "connect_timeout=3 host=h sslmode=verify-full"),
            ("postgresql://h?ssl=true", "host=h sslmode=require"),
            ("postgresql://h/?options=-c%20geqo%3Doff", "host=h options=-c geqo=off"),
            ("postgresql://h/caf%C3%A9", "dbname=café host=h"),
            ("postgresql://@h/app", "dbname=app host=h"),
            ("postgresql://u:@h", "host=h password= user=u"),
            ("  postgres://h/app\n", "dbname=app host=h"),
        ] {
            assert_eq!(shown(uri), expected, "{uri}");
        }
    }

    #[test]
    fn pairs() {
        for (text, expected) in [
            ("", ""),
            ("host=h port=1", "host=h port=1"),
            ("host = h\tport= 1 ", "host=h port=1"),
            ("password='two words' user=u", "password=two words user=u"),
            (r"password='it\'s \\ so'", r"password=it's \ so"),
            (r"password=a\ b\'c", "password=a b'c"),
            ("password=''", "password="),
            ("host= user=u", "host=user=u"),
            ("host='' user=u", "host= user=u"),
            ("user=u user=v", "user=v"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn errors_name_the_mistake_and_no_secret() {
        for (text, part) in [
            ("mysql://u:hunter2@h", "postgresql://"),
            ("postgresql://u:hunt/er2hunter2@h/db", "percent-encode"),
            ("postgresql://u:hunter2/@h/db", "percent-encode"),
            ("postgresql://u:hunter2%@h", "hexadecimal"),
            ("postgresql://u:hunter2%00@h", "%00"),
            ("postgresql://u:hunter2%ff@h", "UTF-8"),
            ("postgresql://h?sslmod=disable", "\"sslmod\""),
            ("postgresql://h?sslmode", "no \"=\""),
            ("postgresql://h?options=a=b", "%3D"),
            ("postgresql://[::1", "closing ]"),
            ("postgresql://[]", "empty"),
            ("postgresql://[::1]x", "follows"),
            ("postgresql://h:abc", "not a number"),
            ("password=my hunter2", "no \"=\""),
            ("password='hunter2", "closing quote"),
            ("hunter2", "no \"=\""),
            ("hoost=h", "did you mean host?"),
            ("user=u password=my hunter2=x", "number 3"),
            ("postgresql://u:12/34?hunter2=x@h/db", "number"),
        ] {
            let text = shown(text);
            assert!(text.starts_with("error: ") && text.contains(part) && !text.contains("hunter2"), "{text}");
        }
    }
}
