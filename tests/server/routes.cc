// SPDX-License-Identifier: Apache-2.0
// Prints method, pattern and operation of every route: what contract_test.py compares with openapi.json.
#include <cstdio>
#include <string>

#include "jzsed/routes.h"

int main() {
  for (const jzse::jzsed::Route& route : jzse::jzsed::Routes())
    std::printf("%s %s %s\n", std::string(jzse::jzsed::MethodName(route.method)).c_str(), std::string(route.pattern).c_str(),
                route.operation);
  return 0;
}
