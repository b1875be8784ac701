// SPDX-License-Identifier: Apache-2.0
// The objects of a remote store besides contents: listings and versions (pages), the feed, groups and queues.
// Threads: what these give belongs to one at a time.
#ifndef JZSE_REMOTE_CHANGES_H_
#define JZSE_REMOTE_CHANGES_H_

#include <memory>
#include <string>

#include "access/access.h"
#include "remote/client.h"
#include "remote/entries.h"

namespace jzse::remote {

// One call with a JSON answer (`json` may be null) and a JSON body, if `body` is not null.
int Ask(Client* client, const char* method, const std::string& target, const Json* body, Json* json, jzse_error* error,
        Repeat repeat = Repeat::kYes, bool* lost = nullptr);
// Whether text can travel in JSON; else the error.
int CheckText(std::string_view text, jzse_error* error);

// The first page is fetched here, so that what is wrong is told by the open.
int OpenList(Client* client, const std::string& ns, const access::ListOptions& options, std::unique_ptr<access::List>* list,
             jzse_error* error);
int OpenVersions(Client* client, const std::string& ns, const std::string& path, std::unique_ptr<access::List>* list,
                 jzse_error* error);
std::unique_ptr<access::Feed> OpenFeed(Client* client, const std::string& ns, const std::string& prefix, uint64_t after);
std::unique_ptr<access::Group> BeginGroup(Client* client);

}  // namespace jzse::remote

#endif  // JZSE_REMOTE_CHANGES_H_
