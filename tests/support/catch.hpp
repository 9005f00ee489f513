// Catch2 version 2 (Debian) or 3 (vcpkg). `Approx` is the same name in both.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
// Catch2 2 also has a matcher function Catch::Approx, so the class is named in full.
using Approx = Catch::Detail::Approx;
#endif
