"""What tests, benchmarks and stress tests share: browser, servers, camera, clips, visitor, proxy."""
