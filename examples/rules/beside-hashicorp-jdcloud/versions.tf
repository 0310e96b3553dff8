terraform {
  required_version = ">= 1.8"

  required_providers {
    # The archived provider, which has the resources.
    jdcloud = {
      source = "hashicorp/jdcloud"
    }

    # This one, under a local name of its own.
    jdcheck = {
      source  = "jdcloud/jdcloud"
      version = "~> 0.1"
    }
  }
}
