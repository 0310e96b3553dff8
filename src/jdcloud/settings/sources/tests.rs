//! The precedence of the sources, and the errors if none has a setting.

use std::fs;
use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};
use tempfile::TempDir;

use super::*;

/// A home directory with the CLI's files.
fn home(config: &str, current: Option<&str>) -> TempDir {
    let home = TempDir::new().unwrap();
    let jdc = home.path().join(".jdc");
    fs::create_dir(&jdc).unwrap();
    fs::write(jdc.join("config"), config).unwrap();
    if let Some(current) = current {
        fs::write(jdc.join("current"), current).unwrap();
    }
    home
}

fn environment(variables: &[(&str, &str)], home: Option<&Path>) -> Environment {
    Environment::new(variables.iter().copied(), home.map(Path::to_owned))
}

fn secret(text: &str) -> Argument<SecretString> {
    Argument::Known(text.into())
}

fn text(text: &str) -> Argument<String> {
    Argument::Known(text.to_owned())
}

fn keys(sources: &Sources) -> Result<(String, String, Option<String>), SettingsError> {
    let found = sources.credentials()?;
    let shown = |secret: &SecretString| secret.expose_secret().to_owned();
    let token = found.security_token_header();
    Ok((shown(found.access_key()), shown(found.secret_key()), token.as_ref().map(shown)))
}

fn pair(sources: &Sources) -> String {
    let (access_key, secret_key, token) = keys(sources).unwrap();
    format!("{access_key}/{secret_key}/{}", token.unwrap_or_default())
}

const CONFIG: &str = "[default]\naccess_key = DA\nsecret_key = DS%%\nregion_id = cn-south-1\nendpoint = www.jdcloud-api.com\nscheme = https\n\
    [work]\nACCESS_KEY = WA\nSecret_Key = WS\nregion_id = cn-east-2\nendpoint = vm.internal.cn-east-2.jdcloud-api.com\nscheme = http\n\
    [empty]\nregion_id = cn-east-1\n[half]\naccess_key = HA\n";
const KEYS: [(&str, &str); 2] = [("JDCLOUD_ACCESS_KEY", "EA"), ("JDCLOUD_SECRET_KEY", "ES")];
const ALIASES: [(&str, &str); 2] = [("JDCLOUD_ACCESS_KEY_ID", "IA"), ("JDCLOUD_ACCESS_KEY_SECRET", "IS")];
const TOKEN: (&str, &str) = ("JDCLOUD_SECURITY_TOKEN", "T");

#[test]
fn the_first_source_with_a_key_pair_provides_all_credentials() {
    let home = home(CONFIG, None);
    let arguments = Settings { access_key: secret("AA"), secret_key: secret("AS"), ..Settings::default() };
    let with_profile = |name| Settings { profile: text(name), ..Settings::default() };
    for (settings, variables, expected) in [
        // The environment's token is used only with the environment's keys.
        (arguments.clone(), [&KEYS[..], &[TOKEN]].concat(), "AA/AS/"),
        (Settings { security_token: secret("t"), ..arguments }, vec![], "AA/AS/dA=="),
        (Settings::default(), [&KEYS[..], &ALIASES].concat(), "EA/ES/"),
        (Settings::default(), [&KEYS[..], &[TOKEN]].concat(), "EA/ES/VA=="),
        (
            Settings::default(),
            [&KEYS[..], &[TOKEN, ("JDCLOUD_SECURITY_TOKEN_ENCODING", "raw")]].concat(),
            "EA/ES/T",
        ),
        (Settings::default(), [&ALIASES[..], &[TOKEN]].concat(), "IA/IS/VA=="),
        (Settings::default(), vec![("JDCLOUD_ACCESS_KEY", ""), ("JDCLOUD_SECURITY_TOKEN", "")], "DA/DS%/"),
        (Settings::default(), vec![("JDCLOUD_PROFILE", "work")], "WA/WS/"),
        (with_profile("work"), KEYS.to_vec(), "WA/WS/"),
        (with_profile("work"), vec![("JDCLOUD_PROFILE", "default")], "WA/WS/"),
        (Settings::default(), vec![("JDCLOUD_PROFILE", "empty"), KEYS[0], KEYS[1]], "EA/ES/"),
    ] {
        let sources = Sources::new(settings, environment(&variables, Some(home.path())));
        assert_eq!(pair(&sources), expected, "{variables:?}");
    }
    // A profile of the provider block says which account is meant.
    let sources = Sources::new(with_profile("empty"), environment(&KEYS, Some(home.path())));
    assert!(matches!(keys(&sources), Err(SettingsError::NoProfile(_))));
}

/// A secret in the place of another setting must not be in the error about that setting.
#[test]
fn a_secret_in_the_wrong_place_is_not_shown() {
    let secret_text = "s3cr3tKEYvalue/+9abc";
    for key in ["region_id", "endpoint"] {
        let config =
            format!("[default]\naccess_key = A\nsecret_key = {secret_text}\n{key} = {secret_text}\n");
        let home = home(&config, None);
        let sources = Sources::new(Settings::default(), environment(&[], Some(home.path())));
        let error = if key == "endpoint" {
            sources.endpoint().unwrap_err().to_string()
        } else {
            sources.region(None).unwrap_err().to_string()
        };
        assert!(error.contains("***") && !error.contains("KEYvalue"), "{error}");
    }
    let settings = Settings {
        access_key: secret("A"),
        secret_key: secret(secret_text),
        config_file: text(secret_text),
        ca_bundle: text(secret_text),
        ..Settings::default()
    };
    let problems = settings.problems(&environment(&[], None));
    assert_eq!(problems.len(), 2);
    assert!(problems.iter().all(|problem| !problem.to_string().contains("KEYvalue")), "{problems:?}");
}

#[test]
fn the_current_profile_of_the_cli_is_used() {
    for (current, expected) in
        [(None, "DA/DS%/"), (Some("\u{feff}work\n"), "WA/WS/"), (Some(" \n"), "DA/DS%/")]
    {
        let home = home(CONFIG, current);
        let sources = Sources::new(Settings::default(), environment(&[], Some(home.path())));
        assert_eq!(pair(&sources), expected, "{current:?}");
    }
}

#[test]
fn the_path_of_a_config_file_may_begin_with_a_tilde() {
    let home = home("", None);
    fs::write(home.path().join("other"), CONFIG).unwrap();
    for path in ["~/other".to_owned(), home.path().join("other").display().to_string()] {
        let settings = Settings { config_file: Argument::Known(path), ..Settings::default() };
        assert_eq!(pair(&Sources::new(settings, environment(&[], Some(home.path())))), "DA/DS%/");
    }
}

#[test]
fn an_incomplete_pair_is_an_error_and_no_other_source_is_tried() {
    let home = home(CONFIG, None);
    let half = |settings: Settings, variables: &[(&str, &str)]| {
        let sources = Sources::new(settings, environment(variables, Some(home.path())));
        match keys(&sources) {
            Err(SettingsError::HalfKeyPair { present, missing, .. }) => (present, missing),
            other => panic!("{other:?}"),
        }
    };
    let none = Settings::default;
    let only = |access_key| Settings { access_key, ..none() };
    for (settings, variables, present, missing) in [
        (only(secret("AA")), KEYS.to_vec(), vec!["access_key"], vec!["secret_key"]),
        (
            Settings { security_token: secret("T"), ..none() },
            KEYS.to_vec(),
            vec!["security_token"],
            vec!["access_key", "secret_key"],
        ),
        (none(), [&KEYS[..1], &ALIASES].concat(), vec!["JDCLOUD_ACCESS_KEY"], vec!["JDCLOUD_SECRET_KEY"]),
        (none(), ALIASES[1..].to_vec(), vec!["JDCLOUD_ACCESS_KEY_SECRET"], vec!["JDCLOUD_ACCESS_KEY_ID"]),
        (
            none(),
            vec![TOKEN],
            vec!["JDCLOUD_SECURITY_TOKEN"],
            vec!["JDCLOUD_ACCESS_KEY", "JDCLOUD_SECRET_KEY"],
        ),
        (Settings { profile: text("half"), ..none() }, KEYS.to_vec(), vec!["access_key"], vec!["secret_key"]),
    ] {
        assert_eq!(half(settings, &variables), (present, missing));
    }
}

#[test]
fn an_unknown_argument_is_not_replaced_by_another_source() {
    let home = home(CONFIG, None);
    let none = Settings::default;
    let unknown = |settings| {
        let sources = Sources::new(settings, environment(&KEYS, Some(home.path())));
        let results = [
            sources.credentials().err(),
            sources.region(None).err(),
            sources.endpoint().err(),
            sources.limits().err(),
        ];
        results.map(|error| match error {
            Some(SettingsError::UnknownArguments { arguments }) => arguments.join(" "),
            None => String::new(),
            Some(other) => panic!("{other}"),
        })
    };
    assert_eq!(unknown(Settings { secret_key: Argument::Unknown, ..none() }), ["secret_key", "", "", ""]);
    assert_eq!(unknown(Settings { region: Argument::Unknown, ..none() }), ["", "region", "", ""]);
    assert_eq!(unknown(Settings { vm_endpoint: Argument::Unknown, ..none() }), ["", "", "vm_endpoint", ""]);
    // If the argument `profile` is set, even to an unknown value, the profile comes first.
    assert_eq!(
        unknown(Settings { profile: Argument::Unknown, ..none() }),
        ["profile", "profile", "profile", ""]
    );
    // The file is read only for settings that the environment does not have.
    assert_eq!(
        unknown(Settings { config_file: Argument::Unknown, ..none() }),
        ["", "config_file", "config_file", ""]
    );
    let limits = Settings { batch_size: Argument::Unknown, ca_bundle: Argument::Unknown, ..none() };
    assert_eq!(unknown(limits), ["", "", "", "ca_bundle batch_size"]);
    // If the read has a region, no source is needed.
    let sources = Sources::new(Settings { region: Argument::Unknown, ..none() }, environment(&[], None));
    assert_eq!(sources.region(Some("cn-east-2")).unwrap().as_str(), "cn-east-2");
}

#[test]
fn region_and_endpoint_are_searched_separately() {
    let home = home(CONFIG, None);
    let none = Settings::default;
    let work = Settings { profile: text("work"), ..none() };
    let internal = "http://vm.internal.cn-east-2.jdcloud-api.com";
    let default = "https://vm.jdcloud-api.com";
    for (settings, variables, region, endpoint) in [
        (none(), vec![], "cn-south-1", default),
        (none(), vec![("JDCLOUD_REGION_ID", "b"), ("JDCLOUD_VM_ENDPOINT", "https://e")], "b", "https://e"),
        (none(), vec![("JDCLOUD_REGION_ID", "b"), ("JDCLOUD_REGION", "a")], "a", default),
        (none(), vec![("JDCLOUD_PROFILE", "work")], "cn-east-2", internal),
        (
            work.clone(),
            vec![("JDCLOUD_REGION", "a"), ("JDCLOUD_VM_ENDPOINT", "https://e")],
            "cn-east-2",
            internal,
        ),
        (Settings { region: text("c"), vm_endpoint: text("https://c"), ..work }, vec![], "c", "https://c"),
    ] {
        let sources = Sources::new(settings, environment(&variables, Some(home.path())));
        assert_eq!(sources.region(None).unwrap().as_str(), region, "{variables:?}");
        assert_eq!(sources.endpoint().unwrap().to_string(), endpoint, "{variables:?}");
    }
}

#[test]
fn errors_list_all_sources_with_what_is_missing() {
    let home = home("[default]\n", None);
    let listed = |home: Option<&Path>| {
        let sources = Sources::new(Settings::default(), environment(&[], home));
        [sources.credentials().unwrap_err().to_string(), sources.region(None).unwrap_err().to_string()]
    };
    let [credentials, region] = listed(Some(home.path()));
    let file = home.path().join(".jdc/config");
    for part in [
        "the provider's access_key and secret_key: not set",
        "the environment's JDCLOUD_ACCESS_KEY and JDCLOUD_SECRET_KEY: not set",
        "the environment's JDCLOUD_ACCESS_KEY_ID and JDCLOUD_ACCESS_KEY_SECRET: not set",
        &format!("profile \"default\" in {}: it has no access_key and secret_key", file.display()),
    ] {
        assert!(credentials.contains(part), "{credentials}");
    }
    for part in [
        "the provider's region: not set",
        "JDCLOUD_REGION and JDCLOUD_REGION_ID: not set",
        "it has no region_id",
    ] {
        assert!(region.contains(part), "{region}");
    }
    assert!(listed(None)[0].contains("no home directory is known"));
    let empty = TempDir::new().unwrap();
    assert!(listed(Some(empty.path()))[0].contains("there is no such file"));
    assert!(fs::read_dir(empty.path()).unwrap().next().is_none(), "nothing is created");
}

/// As in a container whose user may not read HOME, where nothing of the file is needed.
#[cfg(unix)]
#[test]
fn a_default_file_that_may_not_be_read_is_an_error_only_where_it_is_needed() {
    use std::os::unix::fs::PermissionsExt as _;

    let home = home(CONFIG, None);
    let directory = home.path().join(".jdc");
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&directory).is_ok() {
        println!("not run: root may read everything");
        return;
    }
    let variables = [&KEYS[..], &[("JDCLOUD_REGION", "cn-north-1")]].concat();
    let sources = Sources::new(Settings::default(), environment(&variables, Some(home.path())));
    assert!(sources.credentials().is_ok() && sources.endpoint().is_ok());
    let sources = Sources::new(Settings::default(), environment(&[], Some(home.path())));
    let error = sources.credentials().unwrap_err().to_string();
    assert!(error.contains("it cannot be read: Permission denied"), "{error}");
    let named = environment(&[("JDCLOUD_PROFILE", "a")], Some(home.path()));
    let sources = Sources::new(Settings::default(), named);
    assert!(matches!(sources.credentials(), Err(SettingsError::UnreadableFile { .. })));
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_named_profile_or_file_must_exist() {
    let home = home(CONFIG, None);
    let none = Settings::default;
    let settings = Settings { profile: text("missing"), ..none() };
    let sources = Sources::new(settings, environment(&[], Some(home.path())));
    assert!(matches!(sources.credentials(), Err(SettingsError::NoProfile(_))));
    // The environment's credentials may be those of another account.
    for variables in [&[][..], &KEYS] {
        let settings = Settings { config_file: text("/no/such/file"), ..none() };
        let sources = Sources::new(settings, environment(variables, Some(home.path())));
        let error = sources.check_sources().unwrap_err();
        let argument = Some("config_file");
        assert!(
            matches!(error, SettingsError::UnreadableFile { argument: named, .. } if named == argument),
            "{error}"
        );
    }
    for settings in [Settings { region: text(""), ..none() }, Settings { profile: text(""), ..none() }] {
        let sources = Sources::new(settings, environment(&[], Some(home.path())));
        assert!(matches!(sources.region(None), Err(SettingsError::EmptyArgument { .. })));
    }
}

#[test]
fn errors_about_invalid_files_and_keys_do_not_quote_secrets() {
    let broken = home("[default]\naccess_key = AA\nsecret-without-a-sign\n", None);
    let sources = Sources::new(Settings::default(), environment(&[], Some(broken.path())));
    let error = sources.credentials().unwrap_err().to_string();
    assert!(error.contains("line 3") && !error.contains("secret-without"), "{error}");
    // The file is not read if the environment has the key pair.
    let sources = Sources::new(Settings::default(), environment(&KEYS, Some(broken.path())));
    assert!(sources.credentials().is_ok());

    let bad = [("JDCLOUD_ACCESS_KEY", "EA"), ("JDCLOUD_SECRET_KEY", "top secret\n")];
    let error = Sources::new(Settings::default(), environment(&bad, None)).credentials().unwrap_err();
    assert!(matches!(error, SettingsError::UnusableKey { name: "JDCLOUD_SECRET_KEY", .. }));
    assert!(!error.to_string().contains("top"));
}

#[test]
fn debug_output_has_no_secrets() {
    let settings = Settings {
        access_key: secret("AA"),
        secret_key: secret("hidden"),
        security_token: secret("hidden"),
        ..Settings::default()
    };
    let sources = Sources::new(settings, environment(&[("JDCLOUD_SECRET_KEY", "hidden")], None));
    let shown = format!("{sources:?} {:?}", sources.credentials().unwrap());
    assert!(!shown.contains("hidden"), "{shown}");
}

#[test]
fn limits_have_ranges() {
    let none = Settings::default;
    assert_eq!(Sources::new(none(), environment(&[], None)).limits().unwrap(), Limits::default());
    for (settings, name) in [
        (Settings { batch_size: Argument::Known(0), ..none() }, "batch_size"),
        (Settings { batch_size: Argument::Known(351), ..none() }, "batch_size"),
        (Settings { max_concurrent_requests: Argument::Known(0), ..none() }, "max_concurrent_requests"),
        (Settings { read_timeout: Argument::Known(std::time::Duration::ZERO), ..none() }, "read_timeout"),
        (
            Settings { request_timeout: Argument::Known(std::time::Duration::MAX), ..none() },
            "request_timeout",
        ),
    ] {
        let error = Sources::new(settings, environment(&[], None)).limits().unwrap_err();
        assert!(matches!(error, SettingsError::OutOfRange { argument, .. } if argument == name), "{error}");
    }
}

/// A secret that is not used must not keep the region of its profile from being read.
#[test]
fn a_region_needs_no_valid_secret() {
    let config = "[default]\nregion_id = cn-north-1\nsecret_key = a%b\n";
    let home = home(config, None);
    let sources = Sources::new(Settings::default(), environment(&KEYS, Some(home.path())));
    assert_eq!(pair(&sources), "EA/ES/");
    assert_eq!(sources.region(None).unwrap().as_str(), "cn-north-1");
}
