//! The images of the built-in region `cn-east-1`: some sixty, of all sources.
//!
//! Platforms and versions are real, the rest is made up. What an image excludes follows from the types of the region.

use serde_json::{Value, json};

use super::{Image, Source};

use Source::{Community, Private, Public, Shared, ThirdParty};

/// Source, id, platform, version, architecture, time of creation, status. An architecture that is empty is absent,
/// and the status `offline` is that of a delisted image.
type Row = (Source, &'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

const X86: &str = "x86_64";
const ARM: &str = "arm64";
const OTHER: &str = "Other Linux";
const WINDOWS: &str = "Windows Server";

#[rustfmt::skip]
const ROWS: [Row; 62] = [
    (Public, "img-ubuntu1404", "Ubuntu", "14.04", "", "2017-03-02 10:21:44", "offline"),
    (Public, "img-ubuntu1604", "Ubuntu", "16.04", X86, "2018-05-14 09:12:31", "ready"),
    (Public, "img-ubuntu1804", "Ubuntu", "18.04", X86, "2019-07-23 15:40:02", "ready"),
    (Public, "img-ubuntu2004a", "Ubuntu", "20.04", X86, "2021-01-28 16:49:05", "ready"),
    (Public, "img-ubuntu2004b", "Ubuntu", "20.04", X86, "2023-05-11 11:03:17", "ready"),
    (Public, "img-ubuntu2204a", "Ubuntu", "22.04", X86, "2022-06-30 14:20:55", "offline"),
    (Public, "img-ubuntu2204b", "Ubuntu", "22.04", X86, "2023-08-17 10:05:09", "ready"),
    (Public, "img-ubuntu2204c", "Ubuntu", "22.04", X86, "2024-09-12 17:31:48", "ready"),
    (Public, "img-ubuntu2404a", "Ubuntu", "24.04", X86, "2024-06-20 09:58:36", "ready"),
    (Public, "img-ubuntu2404b", "Ubuntu", "24.04", X86, "2025-03-06 13:27:12", "ready"),
    (Public, "img-ubuntu2004arm", "Ubuntu", "20.04", ARM, "2021-11-04 16:15:40", "ready"),
    (Public, "img-ubuntu2204arm", "Ubuntu", "22.04", ARM, "2024-09-12 17:31:48", "ready"),
    (Public, "img-ubuntu2404arm", "Ubuntu", "24.04", ARM, "2025-03-06 13:27:12", "ready"),
    (Public, "img-centos69", "CentOS", "6.9", "", "2017-08-15 11:45:20", "offline"),
    (Public, "img-centos610", "CentOS", "6.10", "", "2018-11-27 10:30:00", "offline"),
    (Public, "img-centos74", "CentOS", "7.4", "", "2018-01-16 18:02:51", "offline"),
    (Public, "img-centos76", "CentOS", "7.6", X86, "2019-03-19 14:11:08", "ready"),
    (Public, "img-centos79a", "CentOS", "7.9", X86, "2021-01-28 16:49:05", "ready"),
    (Public, "img-centos79b", "CentOS", "7.9", X86, "2023-02-09 09:36:27", "ready"),
    (Public, "img-centos80", "CentOS", "8.0", X86, "2020-02-25 15:22:33", "offline"),
    (Public, "img-centos82", "CentOS", "8.2", X86, "2021-01-28 16:49:05", "ready"),
    (Public, "img-centos84", "CentOS", "8.4", X86, "2021-10-12 10:44:59", "ready"),
    (Public, "img-centos79arm", "CentOS", "7.9", ARM, "2021-11-04 16:15:40", "ready"),
    (Public, "img-centos82arm", "CentOS", "8.2", ARM, "2021-11-04 16:15:40", "ready"),
    (Public, "img-win2008r2", WINDOWS, "2008 R2 企业版 中文版", "", "2017-04-11 10:00:00", "offline"),
    (Public, "img-win2012r2zh", WINDOWS, "2012 R2 标准版 中文版", X86, "2020-09-01 11:20:30", "ready"),
    (Public, "img-win2012r2en", WINDOWS, "2012 R2 标准版 英文版", X86, "2020-09-01 11:20:30", "ready"),
    (Public, "img-win2016zh", WINDOWS, "2016 数据中心版 中文版", X86, "2022-04-19 14:05:11", "ready"),
    (Public, "img-win2016en", WINDOWS, "2016 数据中心版 英文版", X86, "2022-04-19 14:05:11", "ready"),
    (Public, "img-win2019zh", WINDOWS, "2019 数据中心版 中文版", X86, "2023-11-23 16:40:24", "ready"),
    (Public, "img-win2019en", WINDOWS, "2019 数据中心版 英文版", X86, "2023-11-23 16:40:24", "ready"),
    (Public, "img-win2022zh", WINDOWS, "2022 数据中心版 中文版", X86, "2024-10-31 10:10:10", "ready"),
    (Public, "img-win2022en", WINDOWS, "2022 数据中心版 英文版", X86, "2024-10-31 10:10:10", "ready"),
    (Public, "img-debian10", OTHER, "Debian 10", X86, "2020-06-18 09:15:47", "ready"),
    (Public, "img-debian11", OTHER, "Debian 11", X86, "2022-03-24 13:50:00", "ready"),
    (Public, "img-debian12", OTHER, "Debian 12", X86, "2024-04-25 15:33:19", "ready"),
    (Public, "img-rocky88", OTHER, "Rocky Linux 8.8", X86, "2023-07-27 10:26:05", "ready"),
    (Public, "img-rocky92", OTHER, "Rocky Linux 9.2", X86, "2023-07-27 10:26:05", "ready"),
    (Public, "img-alma92", OTHER, "AlmaLinux 9.2", X86, "2023-09-14 11:11:52", "ready"),
    (Public, "img-anolis86", OTHER, "Anolis OS 8.6", X86, "2023-01-05 17:08:38", "ready"),
    (Public, "img-openeuler2203", OTHER, "openEuler 22.03", X86, "2022-12-15 14:59:03", "ready"),
    (Public, "img-openeuler2203arm", OTHER, "openEuler 22.03", ARM, "2022-12-15 14:59:03", "ready"),
    (Public, "img-opensuse155", OTHER, "openSUSE 15.5", X86, "2023-10-19 09:47:21", "offline"),
    (ThirdParty, "img-lamp", "CentOS", "7.9 LAMP", X86, "2022-08-11 15:30:00", "ready"),
    (ThirdParty, "img-wordpress", "Ubuntu", "20.04 WordPress", X86, "2023-04-06 12:00:00", "ready"),
    (ThirdParty, "img-docker", "Ubuntu", "22.04 Docker", X86, "2024-02-29 12:00:00", "ready"),
    (ThirdParty, "img-cuda", "Ubuntu", "20.04 CUDA 11", X86, "2023-12-07 18:20:41", "ready"),
    (ThirdParty, "img-sqlserver", WINDOWS, "2019 SQL Server", X86, "2023-06-01 12:00:00", "ready"),
    (ThirdParty, "img-firewall", OTHER, "NGFW 5", "", "2019-05-05 12:00:00", "ready"),
    (ThirdParty, "img-panel-old", "CentOS", "6.9 Panel", "", "2018-02-02 12:00:00", "offline"),
    (ThirdParty, "img-panel", "CentOS", "7.9 Panel", X86, "2024-01-18 12:00:00", "ready"),
    (Private, "img-mine-web", "Ubuntu", "22.04", X86, "2024-11-05 20:14:02", "ready"),
    (Private, "img-mine-db", "CentOS", "7.9", X86, "2023-03-15 08:45:36", "ready"),
    (Private, "img-mine-arm", "Ubuntu", "22.04", ARM, "2024-11-06 09:00:12", "ready"),
    (Private, "img-mine-new", "Ubuntu", "24.04", X86, "2025-04-01 10:00:00", "pending"),
    (Private, "img-mine-broken", "Ubuntu", "24.04", X86, "2025-03-31 10:00:00", "error"),
    (Shared, "img-shared-web", "Ubuntu", "20.04", X86, "2022-10-10 10:10:10", "ready"),
    (Shared, "img-shared-win", WINDOWS, "2019 数据中心版 中文版", X86, "2024-05-20 11:11:11", "ready"),
    (Shared, "img-shared-new", "CentOS", "8.2", X86, "2025-04-01 12:00:00", "pending"),
    (Community, "img-community-fedora", OTHER, "Fedora 39", X86, "2024-01-09 16:30:30", "ready"),
    (Community, "img-community-arch", OTHER, "Arch Linux", X86, "2024-08-08 08:08:08", "ready"),
    (Community, "img-community-arm", OTHER, "Debian 12", ARM, "2024-07-07 07:07:07", "ready"),
];

/// All images with their ids, given the instance types of their region.
pub(super) fn images(types: &[Value]) -> impl Iterator<Item = (&'static str, Image)> + '_ {
    ROWS.iter().map(|row| (row.1, image(row, types)))
}

fn image(row: &Row, types: &[Value]) -> Image {
    let &(source, id, platform, version, architecture, created, status) = row;
    let windows = platform == WINDOWS;
    let mut details = json!({
        "name": format!("{} {version} 64位", platform.trim_start_matches(OTHER)).trim(),
        "platform": platform, "osVersion": version, "osType": if windows { "windows" } else { "linux" },
        "systemDiskSizeGB": 40, "sizeMB": 0, "status": if status == "offline" { "ready" } else { status },
        "createTime": created, "expiredTime": "", "desc": "", "rootDeviceType": "cloudDisk",
        "bootMode": if architecture == ARM { "uefi" } else { "bios" },
        "ownerPin": match source { Public => "admin", ThirdParty => "marketplace", _ => "somebody" },
        "launchPermission": match source { Public | ThirdParty | Community => "all", Shared => "specifiedUsers", Private => "ownerOnly" },
    });
    if !architecture.is_empty() {
        details["architecture"] = json!(architecture);
    }
    if matches!(source, Public | ThirdParty) {
        details["offline"] = json!(status == "offline");
    }
    // Images that need CUDA name the types they support; the others those they do not.
    let names = |wanted: &dyn Fn(&Value) -> bool| {
        let matching = types.iter().filter(|one| wanted(one)).filter_map(|one| one["instanceType"].as_str());
        Some(matching.map(str::to_owned).collect::<Vec<_>>())
    };
    let image = if id == "img-cuda" {
        Image { includes: names(&|one| one["gpu"].is_object()), ..Image::default() }
    } else {
        let excluded = names(&|one| excludes(row, one));
        Image { excludes: excluded.filter(|types| !types.is_empty()), ..Image::default() }
    };
    image.from_source(source).with_details(details)
}

/// Whether the image of `row` excludes an instance type.
fn excludes(row: &Row, instance_type: &Value) -> bool {
    let &(_, _, platform, version, architecture, created, _) = row;
    let number = |name: &str| instance_type[name].as_u64().unwrap_or_default();
    let arm_type = instance_type["architecture"] == ARM;
    let metal = number("cpu") > 72;
    // Debian 12 has no constraint at all, as some images have.
    version != "Debian 12"
        && (arm_type != (architecture == ARM)
            || platform == WINDOWS && number("cpu") > 64
            || created < "2019" && (metal || number("generation") >= 3)
            || created < "2021-02" && number("generation") >= 4)
}
