# The arguments for timeouts and limits, with their defaults.
provider "jdcloud" {
  request_timeout         = "20s" # one attempt
  read_timeout            = "5m"  # one data source, retries and waiting included
  max_retries             = 5
  max_concurrent_requests = 8
  batch_size              = 100 # image ids in one request
  read_ahead              = true
}
