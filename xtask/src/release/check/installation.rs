//! The life of an installation, as docs/install.md describes it: the first start, an upgrade, removal.

use std::fs;

use anyhow::{Context, Result, ensure};

use super::super::{VERSION, output, tarball_name};
use super::backend::Backend;
use super::booted::Booted;
use super::chroot::Chroot;
use super::guard::Guard;

const CONFIGURATION: &str = "etc/scimguard/scimguard.toml";

/// A request that the guard refuses, and what it knows.
const REQUEST: &str = r#"{"method": "DELETE",
  "path": "/gateway/ng/api/user-groups/web_team?accountIdentifier=ACC1"}"#;
const FACTS: &str = r#"{"groups": [{"account": "ACC1", "id": "web_team",
  "displayName": "web-team", "managed_by": "okta"}]}"#;
const REFUSAL: &str = "okta-only.group-delete";

const USERS: &str = "/gateway/ng/api/scim/account/ACC1/Users";

/// What is installed.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    DebianPackage,
    Tarball,
}

impl Kind {
    fn unit(self) -> &'static str {
        match self {
            Self::DebianPackage => "/usr/lib/systemd/system/scimguard.service",
            Self::Tarball => "/usr/local/lib/systemd/system/scimguard.service",
        }
    }

    fn install(self) -> String {
        match self {
            Self::DebianPackage => "dpkg --install /root/first.deb".to_owned(),
            Self::Tarball => format!(
                "tar -xzf /root/{0}.tar.gz
                 cd {0}
                 cp -r bin lib share /usr/local/
                 cp -r etc/scimguard /etc/
                 systemd-sysusers /usr/local/lib/sysusers.d/scimguard.conf
                 install -d -o scimguard -g scimguard -m 0700 /var/lib/scimguard /var/cache/scimguard",
                tarball_name()
            ),
        }
    }

    fn upgrade(self) -> String {
        match self {
            Self::DebianPackage => "dpkg --install /root/next.deb".to_owned(),
            Self::Tarball => format!(
                "cd {}
                 cp -r --remove-destination bin lib share /usr/local/
                 systemctl daemon-reload
                 systemctl try-restart scimguard",
                tarball_name()
            ),
        }
    }

    fn remove(self) -> &'static str {
        match self {
            Self::DebianPackage => "dpkg --purge scimguard",
            Self::Tarball => {
                "systemctl disable scimguard
                 cd /usr/local
                 rm -r bin/scimguard share/scimguard lib/systemd/system/scimguard.service
                 rm lib/sysusers.d/scimguard.conf share/man/man1/scimguard*.1.gz
                 rm share/bash-completion/completions/scimguard
                 rm share/fish/vendor_completions.d/scimguard.fish share/zsh/site-functions/_scimguard
                 rm -r /etc/scimguard /var/lib/scimguard /var/cache/scimguard
                 userdel scimguard
                 rm -r /scimguard-*"
            }
        }
    }
}

/// Installs, uses, upgrades and removes it.
pub(super) fn check(system: &Chroot, kind: Kind) -> Result<()> {
    let before = system.files()?;
    system.shell(&kind.install())?;
    let version = output(system.run("scimguard").arg("--version"))?;
    ensure!(
        version.trim() == format!("scimguard {VERSION}"),
        "{version:?}"
    );
    super::unit(system, kind.unit())?;
    refuses(system)?;

    let backend = Backend::start()?;
    let guard = Guard::somewhere()?;
    let configured = configure(system, &backend, &guard)?;
    let token = token(system)?;
    system.shell("systemctl enable scimguard")?;
    let booted = Booted::start(system)?;
    use_it(&guard, &token).context("after the installation")?;

    let process = || booted.shell("systemctl show --property=MainPID scimguard");
    let first = process()?;
    // The guard runs meanwhile, as it does when an administrator upgrades it.
    booted.shell(&kind.upgrade())?;
    use_it(&guard, &token).context("after the upgrade")?;
    ensure!(process()? != first, "the upgrade did not restart the guard");
    ensure!(
        fs::read_to_string(system.path(CONFIGURATION))? == configured,
        "the upgrade changed the configuration"
    );
    booted.shut_down()?;

    system.shell(kind.remove())?;
    let users = fs::read_to_string(system.path("etc/passwd"))?;
    ensure!(!users.contains("scimguard"), "the user is left");
    let left: Vec<_> = system.files()?.difference(&before).cloned().collect();
    ensure!(left.is_empty(), "left after removal: {left:?}");
    Ok(())
}

fn use_it(guard: &Guard, token: &str) -> Result<()> {
    guard.wait_until_ready()?;
    guard.expect(USERS, token, 200, "totalResults")?;
    guard.expect(USERS, "pat.ACC1.none.none", 401, "")?;
    guard.expect_page("/explain/", "<html")
}

/// Decides a request with the plugin, as a command without a configuration does.
fn refuses(system: &Chroot) -> Result<()> {
    fs::write(system.path("tmp/request.json"), REQUEST)?;
    fs::write(system.path("tmp/facts.json"), FACTS)?;
    let decided = system.shell(
        "export XDG_CACHE_HOME=/tmp/cache
         scimguard check --engine wasm --facts /tmp/facts.json /tmp/request.json || test $? = 1
         rm -r /tmp/cache /tmp/request.json /tmp/facts.json",
    )?;
    ensure!(decided.contains(REFUSAL), "the decision is {decided}");
    Ok(())
}

/// Changes the addresses, which every user must look at; returns the configuration.
fn configure(system: &Chroot, backend: &Backend, guard: &Guard) -> Result<String> {
    let file = system.path(CONFIGURATION);
    let mut text = fs::read_to_string(&file)?;
    let changes = [
        ("127.0.0.1:8080", guard.listen),
        ("127.0.0.1:8081", guard.admin),
        ("127.0.0.1:9000", backend.address),
    ];
    for (usual, address) in changes {
        ensure!(text.contains(usual), "the configuration has no {usual}");
        text = text.replace(usual, &address.to_string());
    }
    fs::write(&file, &text)?;
    Ok(text)
}

fn token(system: &Chroot) -> Result<String> {
    let token = system.shell(
        "export SCIMGUARD_CONFIG=/etc/scimguard/scimguard.toml
         guard() { runuser -u scimguard -- scimguard \"$@\"; }
         guard principal create --account ACC1 --id svc-okta --kind service-account \
             --permissions all > /dev/null
         guard token create --account ACC1 --principal svc-okta --provider okta --expires 90d",
    )?;
    Ok(token.trim().to_owned())
}
