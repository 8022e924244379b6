//! Whether a program is one for Linux that needs nothing but itself.

/// The processor that a program is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// x86-64.
    Amd64,
    /// 64-bit ARM.
    Arm64,
}

/// Why a program cannot be alone in an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotStatic {
    /// Not a program for Linux.
    #[error("it is not a 64-bit ELF program; programs for macOS and Windows do not run in containers")]
    NotElf,
    /// For a processor that is not known here.
    #[error("it is for a processor (ELF machine {0}) that is neither x86-64 nor 64-bit ARM")]
    Machine(u16),
    /// It is cut off.
    #[error("its program headers are cut off")]
    CutOff,
    /// It needs a loader and shared libraries.
    #[error(
        "it is linked dynamically, and an empty image has no libraries: link it statically, for example with \
         `--target x86_64-unknown-linux-musl`"
    )]
    Dynamic,
}

/// The header that names the loader of a dynamic program.
const PT_INTERP: u32 = 3;

impl Architecture {
    /// As images name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// That of a static program.
    pub(crate) fn of_static(program: &[u8]) -> Result<Self, NotStatic> {
        // 64 bits, little-endian.
        if !program.starts_with(b"\x7fELF\x02\x01") {
            return Err(NotStatic::NotElf);
        }
        let machine = u16_at(program, 18).ok_or(NotStatic::CutOff)?;
        let architecture = match machine {
            62 => Self::Amd64,
            183 => Self::Arm64,
            other => return Err(NotStatic::Machine(other)),
        };
        let headers = u64_at(program, 32).and_then(|at| usize::try_from(at).ok()).ok_or(NotStatic::CutOff)?;
        let (size, count) = u16_at(program, 54).zip(u16_at(program, 56)).ok_or(NotStatic::CutOff)?;
        for number in 0..usize::from(count) {
            let at = headers.checked_add(number * usize::from(size)).ok_or(NotStatic::CutOff)?;
            if u32_at(program, at).ok_or(NotStatic::CutOff)? == PT_INTERP {
                return Err(NotStatic::Dynamic);
            }
        }
        Ok(architecture)
    }
}

fn bytes_at<const N: usize>(program: &[u8], at: usize) -> Option<[u8; N]> {
    program.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn u16_at(program: &[u8], at: usize) -> Option<u16> {
    bytes_at(program, at).map(u16::from_le_bytes)
}

fn u32_at(program: &[u8], at: usize) -> Option<u32> {
    bytes_at(program, at).map(u32::from_le_bytes)
}

fn u64_at(program: &[u8], at: usize) -> Option<u64> {
    bytes_at(program, at).map(u64::from_le_bytes)
}

/// A program of headers of these types.
pub(crate) fn example(machine: u16, types: &[u32]) -> Vec<u8> {
    const HEADER: usize = 56;
    let mut program = vec![0; 64 + HEADER * types.len()];
    program[..6].copy_from_slice(b"\x7fELF\x02\x01");
    program[18..20].copy_from_slice(&machine.to_le_bytes());
    program[32..40].copy_from_slice(&64_u64.to_le_bytes());
    program[54..56].copy_from_slice(&(HEADER as u16).to_le_bytes());
    program[56..58].copy_from_slice(&(types.len() as u16).to_le_bytes());
    for (number, kind) in types.iter().enumerate() {
        let at = 64 + HEADER * number;
        program[at..at + 4].copy_from_slice(&kind.to_le_bytes());
    }
    program
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn static_programs_are_told_from_others() {
        for (program, expected) in [
            (example(62, &[1, 1, 6]), Ok(Architecture::Amd64)),
            (example(183, &[1]), Ok(Architecture::Arm64)),
            (example(62, &[6, 3, 1]), Err(NotStatic::Dynamic)),
            (example(243, &[1]), Err(NotStatic::Machine(243))),
            (b"\xcf\xfa\xed\xfe".to_vec(), Err(NotStatic::NotElf)),
            (b"\x7fELF\x01\x01".to_vec(), Err(NotStatic::NotElf)),
            (b"#!/bin/sh\n".to_vec(), Err(NotStatic::NotElf)),
            (Vec::new(), Err(NotStatic::NotElf)),
        ] {
            assert_eq!(Architecture::of_static(&program), expected);
        }
    }

    #[test]
    fn a_program_that_is_cut_off_is_refused_wherever_it_is_cut() {
        let program = example(62, &[1, 6]);
        // The last header's type is whole by then.
        for length in 0..64 + 56 + 4 {
            assert!(Architecture::of_static(&program[..length]).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_much(mut program in prop::collection::vec(any::<u8>(), 0..200), elf: bool) {
            if elf && program.len() > 6 {
                program[..6].copy_from_slice(b"\x7fELF\x02\x01");
            }
            let _ = Architecture::of_static(&program);
        }
    }
}
