// SPDX-License-Identifier: Apache-2.0
// Catch2's main, for systems whose Catch2 package has none (see meson.build).
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
