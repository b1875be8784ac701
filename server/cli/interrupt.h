// SPDX-License-Identifier: Apache-2.0
// Ctrl-C and its kin ask for an orderly end: long loops look at Interrupted() between two steps and
// undo or finish what is under way. The second signal ends the process at once; the store survives
// that too. Threads: any.
#ifndef JZSE_CLI_INTERRUPT_H_
#define JZSE_CLI_INTERRUPT_H_

namespace jzse::cli {

void InstallSignalHandlers();
bool Interrupted();
int InterruptExitCode();  // 128 + signal number

}  // namespace jzse::cli

#endif  // JZSE_CLI_INTERRUPT_H_
