// File: server/base/process.h
//
// What a program of ours tells the libraries under it before it starts threads.

#ifndef INNKEEPER_SERVER_BASE_PROCESS_H_
#define INNKEEPER_SERVER_BASE_PROCESS_H_

namespace innkeeper {

// Turns off what Debian's libraries do on every call for the sake of convenience:
// Abseil looks for deadlocks whenever a mutex is locked, and glibc looks at
// /etc/localtime whenever a time is written to the log. To be called once, first
// thing in main().
void PrepareProcess();

}  // namespace innkeeper

#endif  // INNKEEPER_SERVER_BASE_PROCESS_H_
