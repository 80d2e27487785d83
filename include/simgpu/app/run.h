#pragma once

namespace simgpu::app {

/// The whole program: reads the command line and the environment, runs the subcommand, and returns the exit code.
/// 0: stopped by a signal, or what was asked for is printed. 1: could not start, or a check failed; the last line on
/// standard error is `Error: <why>`. 2: the command line is wrong; one line says which flag, which value, and what is
/// allowed.
int run(int argc, char** argv);

}  // namespace simgpu::app
