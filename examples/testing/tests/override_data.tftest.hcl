# Data for all runs of this file, and other data for one of them.
mock_provider "jdcloud" {
  override_data {
    target = data.jdcloud_image_constraints.web
    values = {
      image_constraints = [
        { image_id = "img-ubuntu2204", constraints_type = "excludes", instance_types = ["g.n4.large"] },
      ]
      excluded_instance_types = { "img-ubuntu2204" = ["g.n4.large"] }
    }
  }
}

run "accepts_a_type_that_is_not_excluded" {
  command = plan

  variables {
    instance_type = "g.n2.large"
  }
}

run "refuses_every_type_that_is_not_included" {
  command = plan

  variables {
    instance_type = "g.n2.large"
  }

  override_data {
    target = data.jdcloud_image_constraints.web
    values = {
      image_constraints = [
        { image_id = "img-ubuntu2204", constraints_type = "includes", instance_types = ["p.c1p40.large"] },
      ]
      # Null, as the provider returns it for a constraint of the type "includes".
      excluded_instance_types = { "img-ubuntu2204" = null }
      included_instance_types = { "img-ubuntu2204" = ["p.c1p40.large"] }
    }
  }

  expect_failures = [var.instance_type]
}
