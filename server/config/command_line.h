// File: server/config/command_line.h
//
// From a command line to a ServerConfig.
//
// Every option is given as --name=value or --name value, a boolean one also as
// --name, or in the file that --config_file names, as lines "name = value". In
// the file, blank lines and what follows a '#' at the start of a line or behind
// white space are skipped. What the command line says wins over the file; what
// neither says has its default.

#ifndef INNKEEPER_SERVER_CONFIG_COMMAND_LINE_H_
#define INNKEEPER_SERVER_CONFIG_COMMAND_LINE_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "server/config/config.h"

namespace innkeeper {

struct CommandLine {
  ServerConfig config;
  // Set by --help, --help_markdown and --version, whatever else is given: what
  // to print instead of serving. `config` then means nothing.
  std::optional<std::string> print;
};

// Parses the arguments of the program, its own name left out, and the
// configuration file that they may name. INVALID_ARGUMENT if anything is
// unknown, given twice, missing, not allowed or contradictory, or if the file
// cannot be read. The message has one line for each error, which names the flag
// or the file and line, the value, and what is allowed.
absl::StatusOr<CommandLine> ParseCommandLine(absl::Span<const std::string> args);

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_CONFIG_COMMAND_LINE_H_
