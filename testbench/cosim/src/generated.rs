//! What Verilator wrote: the model's ports and the list of its C++ files.

use crate::Error;
use crate::design::{Design, Direction, PortDeclaration};

/// The prefix of every generated file and class.
pub(crate) const PREFIX: &str = "Vmodel";

/// The C++ files of a model, without extension, by how they are compiled.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct FileList {
    /// Evaluated every cycle.
    pub fast: Vec<String>,
    /// Construction, waveform declarations.
    pub slow: Vec<String>,
    /// Of Verilator's runtime.
    pub runtime: Vec<String>,
}

impl FileList {
    /// Reads `Vmodel_classes.mk`, whose lists look like `VM_CLASSES_FAST += \` and a name a line.
    pub fn parse(makefile: &str) -> Self {
        let mut list = Self::default();
        let mut section = "";
        for line in makefile.lines() {
            if let Some((variable, _)) = line.split_once("+=") {
                section = variable.trim();
                continue;
            }
            let name = line.trim().trim_end_matches('\\').trim();
            if name.is_empty() || name.starts_with('#') {
                continue;
            }
            match section {
                "VM_CLASSES_FAST" | "VM_SUPPORT_FAST" => list.fast.push(name.into()),
                "VM_CLASSES_SLOW" | "VM_SUPPORT_SLOW" => list.slow.push(name.into()),
                "VM_GLOBAL_FAST" | "VM_GLOBAL_SLOW" => list.runtime.push(name.into()),
                _ => {}
            }
        }
        list
    }
}

/// A port as the generated class declares it.
struct Member<'a> {
    cpp_name: &'a str,
    width_bits: u32,
    direction: Option<Direction>,
}

/// Reads lines such as `VL_IN8(&clock,0,0);` and `VL_OUTW(&wide,299,0,10);`.
fn members(header: &str) -> impl Iterator<Item = Member<'_>> {
    header.lines().filter_map(|line| {
        let (kind, arguments) = line.trim().strip_prefix("VL_")?.strip_suffix(");")?.split_once("(&")?;
        let direction = match kind.trim_end_matches(|c: char| c.is_ascii_digit() || c == 'W') {
            "IN" => Some(Direction::Input),
            "OUT" => Some(Direction::Output),
            "INOUT" => None,
            _ => return None,
        };
        let mut arguments = arguments.split(',');
        let cpp_name = arguments.next()?;
        let high: i64 = arguments.next()?.trim().parse().ok()?;
        let low: i64 = arguments.next()?.trim().parse().ok()?;
        Some(Member { cpp_name, width_bits: u32::try_from(high - low + 1).ok()?, direction })
    })
}

/// A Verilog name as Verilator spells it in C++, apart from C++ keywords.
fn encode(name: &str) -> String {
    let mut encoded = String::new();
    let mut after_underscore = false;
    for byte in name.bytes() {
        let plain = byte.is_ascii_alphanumeric() || (byte == b'_' && !after_underscore);
        if plain {
            encoded.push(byte as char);
        } else {
            encoded += &format!("__0{byte:02x}").replace("__05f", "__05F");
        }
        after_underscore = plain && byte == b'_';
    }
    encoded
}

/// The C++ header that tells the shim the design's ports, in the order of `design.ports`.
///
/// # Errors
/// [`Error::PortMismatch`] where the class that Verilator wrote has other ports.
pub(crate) fn shim_header(design: &Design, header: &str, traced: bool) -> Result<String, Error> {
    let mut cases = String::new();
    let mut clears = String::new();
    let mut cpp_names = Vec::new();
    for (index, port) in design.ports.iter().enumerate() {
        let cpp_name = checked_member(design, port, header)?;
        cases += &format!("        case {index}: return &top.{cpp_name};\n");
        if port.direction == Direction::Input {
            clears += &format!("    std::memset(&top.{cpp_name}, 0, sizeof(top.{cpp_name}));\n");
        }
        cpp_names.push(cpp_name);
    }
    if let Some(extra) = members(header).find(|member| !cpp_names.contains(&member.cpp_name)) {
        return Err(mismatch(design, format!("the module's port `{}` is not in it", extra.cpp_name)));
    }
    let clock = design.clock_index();
    let drive = clock.map(|index| format!("top.{} = level;", cpp_names[index])).unwrap_or_default();
    let (traced, clocked) = (u8::from(traced), clock.is_some());
    Ok(format!(
        "#include <cstring>\n\
         #define COSIM_TRACE {traced}\n\
         static constexpr bool CLOCKED = {clocked};\n\
         static inline void set_clock({PREFIX}& top, CData level) {{ {drive} }}\n\
         static void clear_inputs({PREFIX}& top) {{\n{clears}}}\n\
         static void* port_address({PREFIX}& top, uint32_t index) {{\n    \
         switch (index) {{\n{cases}        default: return nullptr;\n    }}\n}}\n"
    ))
}

fn checked_member<'a>(design: &Design, port: &PortDeclaration, header: &'a str) -> Result<&'a str, Error> {
    let encoded = encode(&port.name);
    let found = members(header)
        .find(|member| member.cpp_name == encoded || member.cpp_name.strip_prefix("__SYM__") == Some(&encoded))
        .ok_or_else(|| mismatch(design, format!("`{}` is not a port of the module", port.name)))?;
    if found.width_bits != port.width_bits {
        let difference =
            format!("`{}` has {} bits in the module, {} here", port.name, found.width_bits, port.width_bits);
        return Err(mismatch(design, difference));
    }
    if found.direction != Some(port.direction) {
        let actual = found.direction.map_or("inout".into(), |direction| format!("{direction:?}").to_lowercase());
        return Err(mismatch(design, format!("`{}` is {actual} in the module", port.name)));
    }
    Ok(found.cpp_name)
}

fn mismatch(design: &Design, difference: String) -> Error {
    Error::PortMismatch { top: design.top.clone(), difference }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_verilator_spells_them() {
        for (name, encoded) in
            [("count", "count"), ("a__b", "a___05Fb"), ("weird[0]", "weird__05b0__05d"), ("_x_", "_x_")]
        {
            assert_eq!(encode(name), encoded);
        }
    }

    #[test]
    fn file_lists_are_read_by_section() {
        let makefile = "VM_TRACE = 1\nVM_CLASSES_FAST += \\\n\tVmodel \\\n\tVmodel_a \\\n\nVM_SUPPORT_SLOW += \\\n  \
                        Vmodel__Syms \\\n\nVM_GLOBAL_FAST += \\\n\tverilated \\\n\nVM_GLOBAL_SLOW += \\\n\n";
        let list = FileList::parse(makefile);
        assert_eq!(list.fast, ["Vmodel", "Vmodel_a"]);
        assert_eq!(list.slow, ["Vmodel__Syms"]);
        assert_eq!(list.runtime, ["verilated"]);
    }

    #[test]
    fn port_lists_that_differ_from_the_module_are_refused() {
        let header = "    VL_IN8(&clock,0,0);\n    VL_OUTW(&wide,299,0,10);\n    VL_OUT64(&a___05Fb,39,0);\n";
        let design = || Design::new("top").input("clock", 1);
        let refusal = |design: Design| shim_header(&design, header, false).unwrap_err().to_string();
        assert!(refusal(design().output("wide", 300)).contains("`a___05Fb` is not in it"));
        assert!(refusal(design().output("wide", 299)).contains("`wide` has 300 bits in the module, 299 here"));
        assert!(refusal(design().input("wide", 300)).contains("`wide` is output in the module"));
        assert!(refusal(design().input("enable", 1)).contains("`enable` is not a port of the module"));
        let accepted = shim_header(&design().output("a__b", 40).output("wide", 300), header, false).unwrap();
        assert!(accepted.contains("case 1: return &top.a___05Fb;"), "{accepted}");
    }
}
