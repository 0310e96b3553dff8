terraform {
  required_providers {
    jdcloud = {
      source  = "jdcloud/jdcloud"
      version = "~> 0.1"
    }
  }
}

# Keys from JDCLOUD_ACCESS_KEY and JDCLOUD_SECRET_KEY, or from the JD Cloud CLI's ~/.jdc/config.
provider "jdcloud" {
  region = "cn-north-1"
}
