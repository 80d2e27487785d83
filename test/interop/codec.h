#pragma once

namespace simgpu::interop {

/// Writes the contracts that this program was built with to standard output, as a `google.protobuf.FileDescriptorSet`.
int printDescriptors();

/// For each line `<message> <hexadecimal bytes>` of standard input: parses the message and writes a line with the bytes
/// that it is written as again, a blank, and its JSON. `!` is the answer to what cannot be parsed.
int recode();

}  // namespace simgpu::interop
