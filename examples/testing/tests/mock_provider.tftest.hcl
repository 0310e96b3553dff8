# No account and no network: the data is defined here. The functions are not mocked.
mock_provider "jdcloud" {
  mock_data "jdcloud_image_constraints" {
    defaults = {
      # The functions read this list. Write all three fields of an element.
      image_constraints = [
        { image_id = "img-ubuntu2204", constraints_type = "excludes", instance_types = ["g.n4.large"] },
      ]
      # Rules with maps read these. A mock of the list does not fill them.
      excluded_instance_types = { "img-ubuntu2204" = ["g.n4.large"] }
      included_instance_types = {}
      missing_ids             = []
    }
  }
}

run "accepts_a_supported_type" {
  command = plan

  variables {
    instance_type = "g.n2.large"
  }

  assert {
    condition     = contains(output.excluded, "g.n4.large")
    error_message = "The mock does not reach the module."
  }
}

run "refuses_an_excluded_type" {
  command = plan

  variables {
    instance_type = "g.n4.large"
  }

  expect_failures = [var.instance_type]
}
