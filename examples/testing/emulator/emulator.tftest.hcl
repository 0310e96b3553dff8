# These runs make requests to JD Cloud or to the emulator, depending on JDCLOUD_VM_ENDPOINT and the keys in the environment.
run "accepts_a_supported_type" {
  variables {
    instance_type = "g.n2.large"
  }

  assert {
    condition     = contains(output.excluded, "g.n4.large")
    error_message = "The image's constraint is not the expected one."
  }
}

run "refuses_an_excluded_type" {
  command = plan

  variables {
    instance_type = "g.n4.large"
  }

  expect_failures = [var.instance_type]
}
