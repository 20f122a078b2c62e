// File: server/config/help.h
//
// The options described for people. Pure functions.

#ifndef INNKEEPER_SERVER_CONFIG_HELP_H_
#define INNKEEPER_SERVER_CONFIG_HELP_H_

#include <string>

namespace innkeeper {

// What --help prints.
std::string HelpText();

// What docs/configuration.md holds.
std::string HelpMarkdown();

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_CONFIG_HELP_H_
