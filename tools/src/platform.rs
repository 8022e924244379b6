//! Operating system and processor, as release pages name them.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// An operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Os {
    /// Linux, also inside WSL.
    Linux,
    /// macOS, which release pages call by its kernel.
    Darwin,
    /// Windows.
    Windows,
}

/// A processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cpu {
    /// x86 with 64 bits.
    Amd64,
    /// ARM with 64 bits.
    Arm64,
}

/// What a program was built for, for example `linux-amd64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Platform {
    /// The operating system.
    pub os: Os,
    /// The processor.
    pub cpu: Cpu,
}

impl Os {
    /// The one that this program runs on. What is neither macOS nor Windows is taken for a kind of Linux.
    pub fn current() -> Self {
        if cfg!(target_os = "macos") {
            Self::Darwin
        } else if cfg!(windows) {
            Self::Windows
        } else {
            Self::Linux
        }
    }
}

impl Platform {
    /// The one that this program runs on, if anybody builds tools for it.
    pub fn current() -> Option<Self> {
        format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH).parse().ok()
    }

    /// The ending of a program's file.
    pub fn executable_suffix(self) -> &'static str {
        if self.os == Os::Windows { ".exe" } else { "" }
    }
}

impl FromStr for Platform {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (os, cpu) = text.split_once('-').unwrap_or((text, ""));
        let os = match os {
            "linux" => Some(Os::Linux),
            "darwin" | "macos" => Some(Os::Darwin),
            "windows" => Some(Os::Windows),
            _ => None,
        };
        let cpu = match cpu {
            "amd64" | "x86_64" => Some(Cpu::Amd64),
            "arm64" | "aarch64" => Some(Cpu::Arm64),
            _ => None,
        };
        match (os, cpu) {
            (Some(os), Some(cpu)) => Ok(Self { os, cpu }),
            _ => Err(format!("{text:?} is no platform: (linux, darwin or windows)-(amd64 or arm64)")),
        }
    }
}

impl TryFrom<String> for Platform {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let os = match self.os {
            Os::Linux => "linux",
            Os::Darwin => "darwin",
            Os::Windows => "windows",
        };
        let cpu = match self.cpu {
            Cpu::Amd64 => "amd64",
            Cpu::Arm64 => "arm64",
        };
        write!(f, "{os}-{cpu}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rusts_names_and_those_of_release_pages_mean_the_same() {
        for (text, shown) in [
            ("linux-x86_64", "linux-amd64"),
            ("macos-aarch64", "darwin-arm64"),
            ("windows-arm64", "windows-arm64"),
        ] {
            assert_eq!(text.parse::<Platform>().unwrap().to_string(), shown);
        }
        for text in ["", "linux", "linux-", "linux-riscv64", "plan9-amd64", "linux_amd64"] {
            assert!(text.parse::<Platform>().unwrap_err().contains("linux, darwin"), "{text:?}");
        }
    }

    #[test]
    fn only_windows_names_programs_by_an_ending() {
        assert_eq!("windows-amd64".parse::<Platform>().unwrap().executable_suffix(), ".exe");
        assert_eq!("darwin-arm64".parse::<Platform>().unwrap().executable_suffix(), "");
    }
}
