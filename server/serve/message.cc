// SPDX-License-Identifier: Apache-2.0
#include "serve/message.h"

namespace jzse::serve {

Reply ProblemReply(const http::Problem& problem, std::string_view request_id) {
  Reply reply;
  reply.status = problem.status;
  reply.Add("Content-Type", "application/problem+json");
  if (problem.retry && problem.status == 503) reply.Add("Retry-After", "1");
  reply.body = http::ProblemJson(problem, request_id);
  return reply;
}

Reply Refuse(const Request& request, int status, std::string code, std::string detail) {
  return ProblemReply({status, std::move(code), std::move(detail)}, request.id);
}

}  // namespace jzse::serve
