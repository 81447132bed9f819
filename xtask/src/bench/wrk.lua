-- Prints what was counted in one line: requests, bytes, microseconds, failures.
done = function(summary)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("counted: %d %d %d %d\n", summary.requests, summary.bytes, summary.duration, failed))
end
