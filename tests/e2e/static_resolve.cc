// SPDX-License-Identifier: Apache-2.0
// Looks a name up as a static program: prints the first IPv4 address of argv[1].
#include <arpa/inet.h>
#include <netdb.h>

#include <cstdio>

int main(int argc, char** argv) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_family = AF_INET;
  const int code = getaddrinfo(argc > 1 ? argv[1] : "localhost", nullptr, &hints, &found);
  if (code != 0) return std::fprintf(stderr, "%s\n", gai_strerror(code)), 1;
  char text[INET_ADDRSTRLEN] = "";
  inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(found->ai_addr)->sin_addr, text, sizeof(text));
  std::puts(text);
  freeaddrinfo(found);
}
