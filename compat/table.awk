# The table of compat/run: the reference's lines first, then ours. Exit code 1 when something fails on ours alone.
FILENAME ~ /reference\.tsv$/ { reference[$1 FS $3] = $2; next }
{
  row = $1 FS $3
  was = row in reference ? (reference[row] == "ok" ? "ok" : "failed") : "-"
  printf "%-24s %-78s %-7s %s\n", $1, $3, $2 == "ok" ? "ok" : "failed", was
  if ($2 == "ok") passed++
  else {
    failed++
    reasons = reasons sprintf("%s, %s: %s\n", $1, $3, substr($2, 8))
    if (was != "failed") worse++
  }
  seen[$1] = 1
}
BEGIN { printf "%-24s %-78s %-7s %s\n", "client", "what", "ours", "reference" }
END {
  if (reasons != "") printf "\n%s", reasons
  printf "\n%d passed, %d failed\n", passed, failed
  exit worse > 0 || passed == 0
}
